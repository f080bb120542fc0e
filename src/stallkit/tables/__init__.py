"""Tables in files of strangers: recognised by their content, refused before they can hurt, read cell by cell. No Django, no settings."""
