"""From a record to what people read: the page, tables for a terminal, the check of the record itself.

page(record_path, out)      the record's page, one HTML file
html(record)                the same as text
load(path), check(record)   a record that is known to be one, or a DataError
table(kind, data)           a part of a record as a `Table`; `.text()` prints it
"""

from narrowmax.report.page import html, is_page, page, sections
from narrowmax.report.record import check, load
from narrowmax.report.schema import MEASURE, STUDY
from narrowmax.report.tables import Table, table

__all__ = ["MEASURE", "STUDY", "Table", "check", "html", "is_page", "load", "page", "sections", "table"]
