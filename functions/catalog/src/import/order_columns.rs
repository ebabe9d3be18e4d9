//! What the columns of an order book say, by the many names they go by.

use std::sync::LazyLock;

use serde_json::{Map, Value};

use super::cell::Cell;
use super::table::{Column, assign};
use super::text::{clip, key};

/// What a column says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Order,
    Lines,
    Product,
    Variant,
    Description,
    Quantity,
    Time,
    Price,
    LineTotal,
    Customer,
    Device,
    Channel,
    Currency,
    Type,
    Return,
    Discount,
    Coupon,
    Total,
    Revenue,
    Category,
    Brand,
}

/// The names of each role's column, in the order of [`Role`], the best first. `id`, `name` and the like are last, for what
/// no better column says.
#[rustfmt::skip]
const NAMES: [&[&str]; 21] = [
    &["orderid", "order", "orderno", "ordernumber", "ordernr", "invoice", "invoiceno", "invoiceid", "invoicenumber",
      "basketid", "basket", "transactionid", "transaction", "transactionno", "receiptid", "receipt", "receiptno", "ticketid",
      "ticket", "purchaseid", "id"],
    &["lines", "lineitems", "items", "products", "orderlines"],
    &["productid", "product", "stockcode", "sku", "itemid", "item", "itemcode", "articleid", "article", "articleno",
      "articlecode", "productcode", "lineitemsku", "offerid", "asin", "ean", "id"],
    &["variantid", "variant", "variantsku"],
    &["description", "productname", "productdescription", "producttitle", "itemname", "itemdescription", "lineitemname",
      "title", "name"],
    &["quantity", "qty", "units", "pieces", "lineitemquantity", "count"],
    &["time", "orderdate", "invoicedate", "ordertime", "orderedat", "timestamp", "datetime", "createdat", "completedat",
      "purchasedat", "purchasedate", "transactiontimestamp", "transactiondate", "transactiontime", "processedat", "date"],
    &["price", "unitprice", "itemprice", "lineitemprice", "priceperunit"],
    &["linetotal", "salesvalue", "lineamount", "extendedprice", "amount"],
    &["customerid", "userid", "customer", "user", "customerno", "customernumber", "customercode", "clientid",
      "householdid", "householdkey", "memberid", "membernumber", "loyaltyid", "loyaltycardid", "buyerid", "shopperid"],
    &["anonymousid", "deviceid", "visitorid", "cookieid"],
    &["channel", "saleschannel", "orderchannel", "source"],
    &["currency", "currencycode"],
    &["type", "kind", "ordertype", "transactiontype", "status", "orderstatus", "financialstatus"],
    &["return", "isreturn", "returned", "refund", "isrefund", "refunded", "cancelled", "canceled", "iscancelled"],
    &["discount", "linediscount", "discountamount", "retaildisc", "lineitemdiscount"],
    &["coupon", "couponcode", "discountcode", "promocode", "vouchercode"],
    &["total", "ordertotal", "grandtotal", "totalprice"],
    &["revenue", "subtotal", "ordervalue"],
    &["category", "productcategory", "department"],
    &["brand", "manufacturer", "vendor"],
];

/// Most members of an order that no role holds.
const EXTRAS: usize = 16;

/// Which column says what.
#[derive(Default)]
pub(super) struct Roles {
    columns: usize,
    assigned: Vec<Option<usize>>,
    extras: Vec<usize>,
    /// The book has the columns of the well-known order book of the UCI repository, in which the number of a
    /// cancellation is a C and digits.
    uci: bool,
}

/// Types of orders that are returns.
const RETURNS: [&str; 12] = [
    "refund",
    "refunded",
    "return",
    "returned",
    "cancel",
    "canceled",
    "cancelled",
    "cancellation",
    "creditnote",
    "creditmemo",
    "void",
    "voided",
];

static NOTHING: Cell = Cell::Empty;

impl Roles {
    /// Takes note of columns that are new since the last row.
    pub(super) fn follow(&mut self, columns: &[Column]) {
        if columns.len() == self.columns {
            return;
        }
        self.columns = columns.len();
        self.assigned = assign(columns, &NAMES);
        let free = |at: &usize| !self.assigned.contains(&Some(*at));
        self.extras = (0..columns.len()).filter(free).take(EXTRAS).collect();
        let has = |names: &[&str]| columns.iter().any(|column| names.contains(&column.key.as_str()));
        self.uci = has(&["stockcode"]) && has(&["invoice", "invoiceno"]);
    }

    fn index(&self, role: Role) -> Option<usize> {
        self.assigned.get(role as usize).copied().flatten()
    }

    /// What a table without it cannot be read for.
    pub(super) fn missing(&self) -> Option<&'static str> {
        [(Role::Order, "order"), (Role::Product, "product"), (Role::Time, "time of the order")]
            .into_iter()
            .find(|(role, _)| self.index(*role).is_none())
            .map(|(_, what)| what)
    }

    pub(super) fn cell<'c>(&self, role: Role, cells: &'c [Cell]) -> &'c Cell {
        self.index(role).and_then(|at| cells.get(at)).unwrap_or(&NOTHING)
    }

    /// The name of the column that says something.
    pub(super) fn column<'c>(&self, role: Role, columns: &'c [Column]) -> Option<&'c str> {
        self.index(role).and_then(|at| columns.get(at)).map(|column| column.name.as_str())
    }

    /// Whether these are the columns of the UCI order book.
    pub(super) const fn are_uci(&self) -> bool {
        self.uci
    }

    /// Whether the order number alone says that it is a cancellation.
    pub(super) fn is_cancellation(&self, order: &str) -> Option<bool> {
        let digits = order.strip_prefix(['C', 'c']).filter(|_| self.uci)?;
        (!digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())).then_some(true)
    }

    /// Whether a column says that the row is a return.
    pub(super) fn is_return(&self, cells: &[Cell]) -> Option<bool> {
        match self.cell(Role::Return, cells) {
            Cell::Empty => {}
            Cell::Bool(returned) => return Some(*returned),
            cell => {
                return cell
                    .text()
                    .map(|text| matches!(text.to_ascii_lowercase().as_str(), "true" | "yes" | "y" | "1"));
            }
        }
        let word = key(&self.cell(Role::Type, cells).text()?);
        RETURNS.contains(&word.as_str()).then_some(true)
    }

    /// What the row says beyond its roles.
    pub(super) fn extras(&self, columns: &[Column], cells: &[Cell]) -> Map<String, Value> {
        let extra = |at: &usize| {
            let (column, cell) = (columns.get(*at)?, cells.get(*at)?);
            let value = cell.attribute(&column.snake).filter(|value| !value.is_array() && !value.is_object())?;
            let value = match value {
                Value::String(text) => Value::String(clip(&text, 200).to_owned()),
                value => value,
            };
            Some((column.snake.clone(), value)).filter(|(name, _)| !name.is_empty())
        };
        self.extras.iter().filter_map(extra).collect()
    }
}

/// Keys of the roles a line inside an order can have, by role.
static BY_KEY: LazyLock<Vec<(&'static str, Role)>> = LazyLock::new(|| {
    [
        Role::Product,
        Role::Variant,
        Role::Description,
        Role::Quantity,
        Role::Price,
        Role::LineTotal,
        Role::Discount,
        Role::Category,
        Role::Brand,
    ]
    .into_iter()
    .flat_map(|role| {
        NAMES.get(role as usize).into_iter().flat_map(move |names| names.iter().map(move |name| (*name, role)))
    })
    .collect()
});

/// A line that stands inside an order.
pub(super) struct Part(Vec<(usize, Role, Cell)>);

impl Part {
    pub(super) fn of(entry: &Value) -> Self {
        let members = entry.as_object().into_iter().flatten();
        let found = members.filter_map(|(name, value)| {
            let key = key(name);
            let rank = BY_KEY.iter().position(|(known, _)| *known == key)?;
            let (_, role) = BY_KEY.get(rank)?;
            Some((rank, *role, Cell::of_json(value.clone())))
        });
        let mut found: Vec<_> = found.filter(|(_, _, cell)| !cell.is_empty()).collect();
        found.sort_by_key(|(rank, _, _)| *rank);
        Self(found)
    }

    pub(super) fn cell(&self, role: Role) -> &Cell {
        self.0.iter().find(|(_, known, _)| *known == role).map_or(&NOTHING, |(_, _, cell)| cell)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn roles(names: &[&str]) -> (Roles, Vec<Column>) {
        let columns: Vec<_> = names.iter().map(|name| Column::new(name)).collect();
        let mut roles = Roles::default();
        roles.follow(&columns);
        (roles, columns)
    }

    #[test]
    fn books_by_other_names_are_understood() {
        let books: [(&[&str], [&str; 5]); 4] = [
            (
                &["Invoice", "StockCode", "Description", "Quantity", "InvoiceDate", "Price", "Customer ID", "Country"],
                ["Invoice", "StockCode", "InvoiceDate", "Price", "Customer ID"],
            ),
            (
                &[
                    "InvoiceNo",
                    "StockCode",
                    "Description",
                    "Quantity",
                    "InvoiceDate",
                    "UnitPrice",
                    "CustomerID",
                    "Country",
                ],
                ["InvoiceNo", "StockCode", "InvoiceDate", "UnitPrice", "CustomerID"],
            ),
            (
                &["household_id", "basket_id", "product_id", "quantity", "unit price", "transaction_timestamp"],
                ["basket_id", "product_id", "transaction_timestamp", "unit price", "household_id"],
            ),
            (&["id", "sku", "date", "price", "user"], ["id", "sku", "date", "price", "user"]),
        ];
        for (names, expected) in books {
            let (roles, columns) = roles(names);
            let found = [Role::Order, Role::Product, Role::Time, Role::Price, Role::Customer];
            assert_eq!(found.map(|role| roles.column(role, &columns).unwrap()), expected);
            assert_eq!(roles.missing(), None);
        }
        assert_eq!(roles(&["Invoice", "Price"]).0.missing(), Some("product"));
    }

    #[test]
    fn only_the_book_that_uci_by_number_is_read_so() {
        let (uci, _) = roles(&["Invoice", "StockCode", "InvoiceDate"]);
        let (other, _) = roles(&["order_id", "product_id", "time"]);
        let numbers = ["C489449", "489449", "C", "CX1"];
        assert_eq!(numbers.map(|number| uci.is_cancellation(number)), [Some(true), None, None, None]);
        assert_eq!(other.is_cancellation("C489449"), None);
    }

    #[test]
    fn a_line_inside_an_order_is_read_by_its_best_names() {
        let part = Part::of(&serde_json::json!({"id": 1, "product_id": 2, "name": "Mug", "qty": 3, "price": "4.50"}));
        assert_eq!(part.cell(Role::Product), &Cell::Integer(2));
        assert_eq!(part.cell(Role::Quantity), &Cell::Integer(3));
        assert_eq!(part.cell(Role::Description), &Cell::Text("Mug".into()));
        assert!(part.cell(Role::Brand).is_empty());
    }
}
