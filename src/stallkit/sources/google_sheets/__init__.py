"""Google Sheets: read with a service account, or as anyone may who has the link."""
