"""Tables from files into the catalogue: XLSX and CSV, checked row by row, with a report by row and column."""
