#!/usr/bin/env python3
"""Makes the files of `feeds/`: a few dozen products of the sample shop in every import format.

    pip install zstandard
    python3 samples/make_feeds.py

It reads `grocery/` and writes Google Merchant feeds, Shopify exports, schema.org JSON-LD, Vitrine's own NDJSON, and small
order and customer files. The feeds are a little untidy on purpose, as real ones are: mixed spellings of headers and of
availability, reduced prices, variants, sold-out and draft items, attributes nobody has heard of, and here and there a
row that cannot be read. `feeds/expected.json` says what an import should find.
"""

import csv
import datetime
import hashlib
import io
import json
import pathlib
import re
from xml.sax.saxutils import escape, quoteattr

import zstandard

HERE = pathlib.Path(__file__).resolve().parent
FEEDS = HERE / "feeds"
SHOP = "https://shop.example"
CURRENCY = "USD"
# The source's year 2017, moved by whole weeks so that weekdays stay.
START = datetime.datetime(2017, 1, 1, tzinfo=datetime.timezone.utc) + datetime.timedelta(weeks=460)
CATEGORIES = {
    "Pasta & noodles": 8, "Pasta sauce": 6, "Yogurt": 10, "Bagged snacks": 8, "Berries": 6, "Coffee": 6,
    "Ice cream & sherbet": 8,
}
COLD = {"Yogurt": "fridge", "Berries": "fridge", "Ice cream & sherbet": "freezer"}

CONTENT = [
    ("recipe-one-pot-pasta", "One-pot pasta with tomatoes", ["Recipes", "Dinner"], 25,
     "Spaghetti, cherry tomatoes, garlic and basil in one pot: the starch of the pasta makes the sauce.", ["pasta", "quick"]),
    ("recipe-berry-parfait", "Berry parfait", ["Recipes", "Dessert"], 10,
     "Layers of yogurt, berries and granola, ready in ten minutes.", ["yogurt", "berries", "no cooking"]),
    ("recipe-weeknight-bolognese", "Weeknight Bolognese", ["Recipes", "Dinner"], 40,
     "Lean ground beef, carrots and celery in a jar of good pasta sauce.", ["pasta", "beef"]),
    ("recipe-loaded-nachos", "Loaded nachos for four", ["Recipes", "Party"], 20,
     "Tortilla chips under melted cheese, beans, salsa and sour cream.", ["snacks", "cheese"]),
    ("recipe-affogato", "Affogato", ["Recipes", "Dessert"], 5,
     "Strong coffee poured over vanilla ice cream.", ["coffee", "ice cream"]),
    ("guide-coffee-grind", "Which grind for which brewer", ["Guides", "Coffee"], 4,
     "Coarse for the press, medium for the filter, fine for espresso, and why it matters.", ["coffee"]),
    ("guide-freezer", "A freezer that saves money", ["Guides", "Kitchen"], 6,
     "What freezes well, for how long, and how to label it.", ["frozen", "saving"]),
    ("news-autumn-deals", "This month's best deals", ["News"], 2,
     "Reduced prices on pasta, soup and coffee while they last.", ["deals"]),
]


def rows(name):
    """A table of `grocery/` as dictionaries."""
    packed = (HERE / "grocery" / f"{name}.csv.zst").read_bytes()
    text = zstandard.ZstdDecompressor().decompressobj().decompress(packed).decode()
    return list(csv.DictReader(io.StringIO(text)))


def slug(text):
    """`Potato chips` as `potato-chips`."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def money(cents):
    """Cents as a decimal number."""
    return f"{int(cents) / 100:.2f}"


class Item:
    """One product of the grocery, with what the feeds say of it."""

    def __init__(self, row, position):
        self.id, self.name, self.size, self.brand = row["id"], row["name"], row["size"], row["brand"]
        self.variety = f"Variety {row['variety']}" if row["variety"] else ""
        self.title = ", ".join(filter(None, [self.name, self.size, self.variety.lower()]))
        self.path = [part for part in (row["department"], row["category"], row["type"]) if part]
        self.price, self.sale = money(row["price"]), money(row["sale"]) if row["sale"] else ""
        self.cost = money(int(row["price"]) * 0.7)
        # Every ninth product of the feeds is sold out; the stock of the others is made up.
        self.in_stock = position % 9 != 4 and not row["sold_out"]
        self.stock = 5 + position * 7 % 40 if self.in_stock else 0
        self.storage = COLD.get(row["category"], "pantry")
        self.group = f"{slug(self.name)}-{slug(self.brand)}"
        self.description = f"{self.name} by {self.brand}" + (f", {self.size}." if self.size else ".")
        self.link = f"{SHOP}/products/{self.id}"
        self.image = f"{SHOP}/images/{self.id}.jpg"
        self.option = ", ".join(filter(None, [self.size, self.variety])) or "Default Title"

    def google(self, spaced):
        """The attributes of a Google Merchant feed, except those that a format spells its own way."""
        stock = "in_stock" if self.in_stock else "out_of_stock"
        return {
            "id": self.id,
            "title": self.title,
            "description": self.description,
            "link": self.link,
            "image_link": self.image,
            "availability": stock.replace("_", " ") if spaced else stock,
            "price": f"{self.price} {CURRENCY}",
            "sale_price": f"{self.sale} {CURRENCY}" if self.sale else "",
            "brand": self.brand,
            "condition": "new",
            "product_type": " > ".join(self.path),
            "google_product_category": "422",
            "size": self.size,
            "cost_of_goods_sold": f"{self.cost} {CURRENCY}",
            "identifier_exists": "no",
            "storage": self.storage,
        }


def choose():
    """The products of the feeds: the most bought of a few categories."""
    left = dict(CATEGORIES)
    chosen = []
    for row in rows("products"):
        if left.get(row["category"], 0) > 0:
            left[row["category"]] -= 1
            chosen.append(Item(row, len(chosen)))
    return chosen


def grouped(items):
    """Items by group, groups in the order of their first item."""
    groups = {}
    for item in items:
        groups.setdefault(item.group, []).append(item)
    return groups


def write(name, text):
    """Writes one file of `feeds/`."""
    (FEEDS / name).write_text(text, encoding="utf-8", newline="")


def table(header, lines, delimiter=","):
    """Rows as CSV or TSV text."""
    text = io.StringIO()
    writer = csv.DictWriter(text, header, delimiter=delimiter, lineterminator="\n", restval="")
    writer.writeheader()
    writer.writerows(lines)
    return text.getvalue()


def google_tsv(items):
    """Headers with spaces and capitals, old spellings of availability, one row without an id."""
    lines = []
    groups = grouped(items)
    for position, item in enumerate(items):
        row = item.google(spaced=position % 2 == 0)
        row["sale_price_effective_date"] = "2026-01-01T00:00Z/2030-12-31T23:59Z" if item.sale else ""
        row["item_group_id"] = item.group if len(groups[item.group]) > 1 else ""
        row["custom_label_0"] = "deal" if item.sale else ""
        row["shelf life (days)"] = {"fridge": "14", "freezer": "180"}.get(item.storage, "365")
        if position == 3:
            row["description"] = f'{item.name}\tsays the label: "the family size"'
        lines.append(row)
    broken = dict(lines[0], id="", title="A row without an id")
    lines.insert(10, broken)
    spelled = {"image_link": "Image Link", "sale_price": "sale price", "product_type": "Product Type"}
    lines = [{spelled.get(key, key): value for key, value in row.items()} for row in lines]
    header = list(lines[0])
    write("google.tsv", table(header, lines, "\t"))
    return {"rows": len(lines), "products": len(groups), "refused": 1}


def google_xml(items, atom):
    """An RSS 2.0 or Atom document with attributes in Google's namespace."""
    groups = grouped(items)
    entries = []
    for item in items:
        facts = item.google(spaced=False)
        title, link, text = facts.pop("title"), facts.pop("link"), facts.pop("description")
        if len(groups[item.group]) > 1:
            facts["item_group_id"] = item.group
        inside = [f"<title>{escape(title)}</title>"]
        if atom:
            inside += [f"<link rel=\"alternate\" href={quoteattr(link)}/>", f"<summary>{escape(text)}</summary>"]
        else:
            inside += [f"<link>{escape(link)}</link>", f"<description><![CDATA[<p>{text}</p>]]></description>"]
        inside += [f"<g:{key}>{escape(value)}</g:{key}>" for key, value in facts.items() if value]
        inside.append(f"<g:additional_image_link>{escape(item.image)}?side=back</g:additional_image_link>")
        inside.append(
            "<g:product_detail><g:section_name>Keeping</g:section_name><g:attribute_name>Storage</g:attribute_name>"
            f"<g:attribute_value>{item.storage}</g:attribute_value></g:product_detail>"
        )
        tag = "entry" if atom else "item"
        entries.append(f"<{tag}>\n  " + "\n  ".join(inside) + f"\n</{tag}>")
    body = "\n".join(entries)
    space = 'xmlns:g="http://base.google.com/ns/1.0"'
    if atom:
        head = f'<feed xmlns="http://www.w3.org/2005/Atom" {space}>\n<title>Sample shop</title>\n'
        head += f'<link rel="self" href="{SHOP}/atom.xml"/>\n<updated>2026-11-01T06:00:00Z</updated>'
        text = f"{head}\n{body}\n</feed>\n"
    else:
        head = f'<rss {space} version="2.0">\n<channel>\n<title>Sample shop</title>\n<link>{SHOP}</link>\n'
        text = f"{head}<description>Groceries &amp; more</description>\n{body}\n</channel>\n</rss>\n"
    write("google.atom.xml" if atom else "google.rss.xml", f'<?xml version="1.0" encoding="UTF-8"?>\n{text}')
    return {"rows": len(items), "products": len(groups), "refused": 0}


OLD = (
    "Handle;Title;Body (HTML);Vendor;Product Category;Type;Tags;Published;Option1 Name;Option1 Value;Option2 Name;"
    "Option2 Value;Option3 Name;Option3 Value;Variant SKU;Variant Grams;Variant Inventory Tracker;Variant Inventory Qty;"
    "Variant Inventory Policy;Variant Fulfillment Service;Variant Price;Variant Compare At Price;"
    "Variant Requires Shipping;Variant Taxable;Variant Barcode;Image Src;Image Position;Image Alt Text;Gift Card;"
    "SEO Title;SEO Description;Google Shopping / Custom Label 0;Variant Image;Variant Weight Unit;Variant Tax Code;"
    "Cost per item;Storage (product.metafields.custom.storage);Status"
).split(";")
NEW = (
    "Title;URL handle;Description;Vendor;Product category;Type;Tags;Published on online store;Status;SKU;Barcode;"
    "Option1 name;Option1 value;Option1 Linked To;Option2 name;Option2 value;Option2 Linked To;Price;Compare-at price;"
    "Cost per item;Charge tax;Tax code;Inventory tracker;Inventory quantity;Continue selling when out of stock;"
    "Weight value (grams);Weight unit for display;Requires shipping;Fulfillment service;Product image URL;"
    "Image position;Image alt text;Variant image URL;Gift card;SEO title;SEO description;"
    "Storage (product.metafields.custom.storage);Included / United States;Price / United States"
).split(";")
# The same facts under the names of the newer generation.
RENAMED = {
    "Handle": "URL handle", "Body (HTML)": "Description", "Product Category": "Product category",
    "Published": "Published on online store", "Option1 Name": "Option1 name", "Option1 Value": "Option1 value",
    "Variant SKU": "SKU", "Variant Inventory Qty": "Inventory quantity", "Variant Price": "Price",
    "Variant Compare At Price": "Compare-at price", "Variant Inventory Tracker": "Inventory tracker",
    "Image Src": "Product image URL", "Image Position": "Image position", "Variant Inventory Policy": "",
}


def shopify_csv(items, new):
    """Rows of one product share a handle; the rows after the first leave the product's own columns blank."""
    groups = list(grouped(items).values())
    lines = []
    for number, group in enumerate(groups):
        first = group[0]
        for position, item in enumerate(group):
            # Shopify writes the price to pay as the price and the regular one as "compare at".
            row = {
                "Handle": first.group, "Option1 Value": item.option, "Variant SKU": item.id,
                "Variant Inventory Tracker": "shopify", "Variant Inventory Qty": item.stock,
                "Variant Inventory Policy": "deny", "Variant Price": item.sale or item.price,
                "Variant Compare At Price": item.price if item.sale else "", "Cost per item": item.cost,
            }
            if position == 0:
                row |= {
                    "Title": first.name, "Body (HTML)": f"<p>{escape(first.description)}</p>", "Vendor": first.brand,
                    "Product Category": "Food, Beverages & Tobacco > Food Items", "Type": first.path[-1],
                    "Tags": ", ".join([first.path[1], first.storage]), "Published": "true",
                    "Option1 Name": "Title" if first.option == "Default Title" else "Size", "Image Src": first.image,
                    "Image Position": 1, "Storage (product.metafields.custom.storage)": first.storage,
                    "Status": "draft" if number == len(groups) - 1 else "active",
                }
            lines.append(row)
        if number == 0:
            lines.append({"Handle": first.group, "Image Src": f"{first.image}?side=back", "Image Position": 2})
    name, header = "shopify-old.csv", OLD
    if new:
        lines = [{RENAMED.get(key, key): value for key, value in row.items() if RENAMED.get(key, key)} for row in lines]
        for row in lines:
            if "Price" in row:
                row |= {"Continue selling when out of stock": "DENY", "Included / United States": "TRUE"}
        name, header = "shopify-new.csv", NEW
    write(name, table(header, lines))
    return {"rows": len(lines), "products": len(groups), "drafts": 1, "refused": 0}


def shopify_json(items):
    """What a Shopify storefront answers at `/products.json`."""
    products = []
    for number, group in enumerate(grouped(items).values()):
        first = group[0]
        product = 7_000_000_000 + number
        named = first.option != "Default Title"
        products.append({
            "id": product, "title": first.name, "handle": first.group,
            "body_html": f"<p>{escape(first.description)}</p>", "published_at": "2026-01-15T08:00:00-05:00",
            "created_at": "2026-01-15T07:58:12-05:00", "updated_at": "2026-10-30T06:11:45-04:00",
            "vendor": first.brand, "product_type": first.path[-1], "tags": [first.path[1], first.storage],
            "variants": [
                {
                    "id": int(item.id) + 40_000_000_000, "title": item.option, "option1": item.option, "option2": None,
                    "option3": None, "sku": item.id, "requires_shipping": True, "taxable": False,
                    "featured_image": None, "available": item.in_stock, "price": item.sale or item.price, "grams": 0,
                    "compare_at_price": item.price if item.sale else None, "position": position + 1,
                    "product_id": product, "created_at": "2026-01-15T07:58:12-05:00",
                    "updated_at": "2026-10-30T06:11:45-04:00",
                }
                for position, item in enumerate(group)
            ],
            "images": [{"id": product * 10, "position": 1, "product_id": product, "src": first.image, "variant_ids": []}],
            "options": [
                {"name": "Size" if named else "Title", "position": 1, "values": [item.option for item in group]}
            ],
        })
    write("shopify.json", json.dumps({"products": products}, indent=1) + "\n")
    return {"rows": len(products), "products": len(products), "refused": 0}


def schema_product(item):
    """A product in the words of schema.org."""
    return {
        "@type": "Product", "sku": item.id, "name": item.title, "description": item.description,
        "brand": {"@type": "Brand", "name": item.brand}, "category": " > ".join(item.path), "image": [item.image],
        "url": item.link, "size": item.size,
        "additionalProperty": [{"@type": "PropertyValue", "name": "storage", "value": item.storage}],
        "offers": {
            "@type": "Offer", "price": item.sale or item.price, "priceCurrency": CURRENCY,
            "availability": "https://schema.org/" + ("InStock" if item.in_stock else "OutOfStock"),
            "itemCondition": "https://schema.org/NewCondition", "url": item.link,
        },
    }


def json_ld(items):
    """A graph of products, one of them a group with its variants inside, and the page they stand on."""
    groups = grouped(items)
    largest = max(groups, key=lambda group: len(groups[group]))
    first = groups[largest][0]
    group = {
        "@type": "ProductGroup", "productGroupID": largest, "name": first.name, "description": first.description,
        "brand": {"@type": "Brand", "name": first.brand}, "category": " > ".join(first.path), "url": first.link,
        "variesBy": ["https://schema.org/size"], "hasVariant": [schema_product(item) for item in groups[largest]],
    }
    single = [schema_product(item) for item in items if item.group != largest]
    page = {"@type": "WebPage", "name": "All products", "url": SHOP}
    document = {"@context": "https://schema.org", "@graph": [page, group, *single]}
    write("jsonld.json", json.dumps(document, indent=1, ensure_ascii=False) + "\n")
    return {"rows": len(single) + 1, "products": len(single) + 1, "refused": 0}


def products_ndjson(items):
    """One product a line with the members of `PUT /v1/products`; one line is cut off."""
    lines = []
    for position, item in enumerate(items):
        product = {
            "id": item.id, "title": item.title, "description": item.description, "url": item.link, "image": item.image,
            "category": item.path, "brand": item.brand, "price": float(item.price), "currency": CURRENCY,
            "availability": "in_stock" if item.in_stock else "out_of_stock", "stock": item.stock,
            "cost": float(item.cost),
            "attributes": {"size": item.size, "storage": item.storage, "private_label": item.brand == "Private label"},
        }
        if item.sale:
            product["sale_price"] = float(item.sale)
        if position == 0:
            product["variants"] = [
                {"id": f"{item.id}-{pack}", "title": f"Pack of {pack}", "price": round(float(item.price) * pack, 2),
                 "availability": "in_stock", "stock": 12}
                for pack in (1, 6)
            ]
        lines.append(json.dumps(product, ensure_ascii=False))
    lines.insert(7, lines[7][: len(lines[7]) // 2])
    write("products.ndjson", "\n".join(lines) + "\n")
    return {"rows": len(lines), "products": len(items), "refused": 1}


def content_ndjson():
    """Recipes and articles: recommended as products are, but not for sale."""
    lines = [
        json.dumps({
            "id": name, "kind": "content", "title": title, "description": text, "url": f"{SHOP}/stories/{name}",
            "category": path, "attributes": {"minutes": minutes, "tags": tags},
        })
        for name, title, path, minutes, text, tags in CONTENT
    ]
    write("content.ndjson", "\n".join(lines) + "\n")
    return {"rows": len(lines), "products": len(lines), "refused": 0}


def moment(minute):
    """A minute of the source as RFC 3339."""
    return (START + datetime.timedelta(minutes=int(minute))).strftime("%Y-%m-%dT%H:%M:%SZ")


def order_lines():
    """The last orders of twelve customers, one row a line, with a return, a guest and an unknown product."""
    products = [row["id"] for row in rows("products")]
    customers = [row["id"] for row in rows("customers")]
    orders, order = {}, None
    for row in rows("orders"):
        if row["order"]:
            order = (row["order"], customers[int(row["customer"])], row["minute"])
        orders.setdefault(order, []).append(row)
    lines = []
    for customer in customers[:12]:
        own = [(order, rows_) for order, rows_ in orders.items() if order[1] == customer and len(rows_) <= 8]
        for (number, _, minute), rows_ in own[-4:]:
            channel = "web" if int(number) % 3 == 0 else "store"
            for row in rows_:
                quantity = int(row["quantity"] or 1)
                off = int(row["retail"] or 0) + int(row["match"] or 0)
                lines.append({
                    "order_id": number, "time": moment(minute), "user_id": customer, "anonymous_id": "",
                    "product_id": products[int(row["product"])], "quantity": str(quantity),
                    "price": f"{(int(row['value']) + off) / 100 / quantity:.4f}".rstrip("0").rstrip("."),
                    "currency": CURRENCY, "channel": channel, "discount": money(off) if off else "",
                    "coupon": "SAVE" if row["coupon"] else "", "return": "false",
                })
    back = dict(lines[0], order_id=f"R{lines[0]['order_id']}", discount="", **{"return": "true"})
    guest = dict(lines[1], order_id="G1", user_id="", anonymous_id="6f0f1c52-6f51-4f0e-9d55-0e7a5f3f2a10", channel="web")
    unknown = dict(lines[2], order_id="G1", user_id="", anonymous_id=guest["anonymous_id"], product_id="no-such-product")
    return [*lines, back, guest, unknown]


def orders():
    """The order lines as CSV and, with the same members, as NDJSON; the CSV has a row that says neither who nor what."""
    lines = order_lines()
    broken = dict(lines[0], order_id="B1", user_id="", product_id="")
    write("orders.csv", table(list(lines[0]), [*lines[:5], broken, *lines[5:]]))
    numbers = {"quantity": float, "price": float, "discount": float, "return": lambda text: text == "true"}
    text = [
        json.dumps({key: numbers.get(key, str)(value) for key, value in line.items() if value != ""}) for line in lines
    ]
    write("orders.ndjson", "\n".join(text) + "\n")
    count = {"orders": len({line["order_id"] for line in lines}), "returns": 1}
    return {"rows": len(lines) + 1, "refused": 1, **count}, {"rows": len(lines), "refused": 0, **count}


def customers():
    """Customers with their demographics and, made up, a loyalty tier and a hashed address."""
    lines = []
    for position, row in enumerate(rows("customers")[:40]):
        mail = hashlib.sha256(f"household-{row['id']}@shop.example".encode()).hexdigest()
        facts = {key: value for key, value in row.items() if key != "id"}
        tier = ["", "silver", "gold"][position % 3]
        lines.append({"user_id": row["id"], "email_hash": mail, **facts, "loyalty_tier": tier})
    broken = dict(lines[0], user_id="")
    write("customers.csv", table(list(lines[0]), [*lines, broken]))
    text = [json.dumps({key: value for key, value in line.items() if value != ""}) for line in lines]
    write("customers.ndjson", "\n".join(text) + "\n")
    return {"rows": len(lines) + 1, "customers": len(lines), "refused": 1}, {
        "rows": len(lines), "customers": len(lines), "refused": 0,
    }


def main():
    """Writes every feed and what is to be expected of it."""
    FEEDS.mkdir(exist_ok=True)
    items = choose()
    expected = {
        "google.tsv": google_tsv(items),
        "google.rss.xml": google_xml(items[:40], atom=False),
        "google.atom.xml": google_xml(items[12:], atom=True),
        "shopify-old.csv": shopify_csv(items, new=False),
        "shopify-new.csv": shopify_csv(items, new=True),
        "shopify.json": shopify_json(items),
        "jsonld.json": json_ld(items[:34]),
        "products.ndjson": products_ndjson(items),
        "content.ndjson": content_ndjson(),
    }
    expected["orders.csv"], expected["orders.ndjson"] = orders()
    expected["customers.csv"], expected["customers.ndjson"] = customers()
    write("expected.json", json.dumps(expected, indent=1) + "\n")
    for name, count in expected.items():
        print(f"{name:18} {(FEEDS / name).stat().st_size:7,} bytes  {count}")


if __name__ == "__main__":
    main()
