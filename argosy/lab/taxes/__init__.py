"""Tax lots of a run: what was bought when and at what cost, what of it was sold, and the gain by each method. It is no tax advice.

book:    the lots of an account, opened and closed fill by fill
reckon:  a whole run, with its splits and its wash sales
form:    a year's sales in the columns of Form 8949, and their sums
"""

from argosy.lab.taxes.book import METHODS, Book, Lot, Sale
from argosy.lab.taxes.form import HEADS, rows, sums, write_csv
from argosy.lab.taxes.reckon import Account, reckon
from argosy.lab.taxes.term import is_long, trade_date

__all__ = [
    "HEADS", "METHODS", "Account", "Book", "Lot", "Sale", "is_long", "reckon", "rows", "sums", "trade_date", "write_csv",
]  # fmt: skip
