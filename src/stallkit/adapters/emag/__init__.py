"""eMAG Marketplace (Romania, Bulgaria, Hungary) and Fashion Days (Romania, Bulgaria), API version 4.4.9. Read ``README.md`` first."""
