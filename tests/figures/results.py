"""What a spreadsheet makes of an order book, compared with what the shop's results say: results.py BOOK RESULTS"""

import json
import re
import sys
from collections import defaultdict

import pyarrow.parquet as parquet

NO_PRODUCT = re.compile(
    r"(POSTAGE|SHIPPING|CARRIAGE|DISCOUNT|MANUAL|BANK CHARGES|POST|DOT|C2|C3|M|D|S|B|AMAZONFEE|CRUK|ADJUST\d*|GIFT|gift_.*|TEST\d*)$",
    re.IGNORECASE,
)

book, results = parquet.read_table(sys.argv[1]).to_pylist(), json.load(open(sys.argv[2]))

# One row for each invoice and direction: time, customer, amount.
invoices = {}
for row in book:
    price, pieces = row["Price"], row["Quantity"]
    if NO_PRODUCT.match(str(row["StockCode"]).strip()) or not price or price <= 0 or not pieces:
        continue
    key = (str(row["Invoice"]), pieces < 0)
    time, customer, amount = invoices.get(key, (row["InvoiceDate"], None, 0.0))
    customer = customer or (str(int(float(row["Customer ID"]))) if row["Customer ID"] else None)
    invoices[key] = (min(time, row["InvoiceDate"]), customer, amount + abs(pieces) * price)

days = defaultdict(lambda: [0, 0.0, 0, 0.0])
orders_of = defaultdict(list)
for (invoice, back), (time, customer, amount) in invoices.items():
    day = days[str(time)[:10]]
    day[2 if back else 0] += 1
    day[3 if back else 1] += amount
    if not back:
        orders_of[customer or f"guest {invoice}"].append((time, invoice, amount))

later = [order[2] for orders in orders_of.values() for order in sorted(orders)[1:]]
returning = sum(len(orders) > 1 for orders in orders_of.values())
expected = {
    "orders": sum(day[0] for day in days.values()),
    "revenue": sum(day[1] for day in days.values()),
    "returns": sum(day[2] for day in days.values()),
    "refunded": sum(day[3] for day in days.values()),
    "customers": len(orders_of),
    "one_time": sum(len(orders) == 1 for orders in orders_of.values()),
    "worth_of_return": sum(later) / returning,
    "one_per_cent": 0.01 * (len(orders_of) - returning) * sum(later) / returning,
}
told = results["total"] | results["loyalty"]
wrong = []
for name, value in expected.items():
    same = abs(told[name] - value) <= 1e-6 * max(1.0, abs(value))
    print(f"{name:16} {told[name]:>16,.2f} {value:>16,.2f}{'' if same else '   DIFFERS'}")
    wrong += [] if same else [name]
for day in results["days"]:
    row = days.pop(day["day"], [0, 0.0, 0, 0.0])
    both = zip(row, (day["orders"], day["revenue"], day["returns"], day["refunded"]))
    if any(abs(a - b) > 1e-6 * max(1.0, abs(a)) for a, b in both):
        wrong.append(day["day"])
print(f"{len(results['days'])} days, {results['currency']}, made {results['made']}; wrong: {wrong or 'none'}; missing: {sorted(days) or 'none'}")
sys.exit(bool(wrong or days or results["currency"] != "GBP"))
