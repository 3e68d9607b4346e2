"""Excel workbooks: .xlsx and .xlsm streamed here, .xls through xlrd; one table of rows for both."""
