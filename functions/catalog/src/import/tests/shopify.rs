//! Shopify exports of both header generations, and its JSON.

use serde_json::json;
use vitrine_domain::Availability;

use super::*;
use crate::import::ShopifyId;

const OLD: &str = "\
Handle,Title,Body (HTML),Vendor,Product Category,Type,Tags,Published,Option1 Name,Option1 Value,Option2 Name,Option2 Value,Variant SKU,Variant Inventory Tracker,Variant Inventory Qty,Variant Inventory Policy,Variant Price,Variant Compare At Price,Variant Barcode,Image Src,Image Position,Gift Card,Fabric (product.metafields.custom.fabric),Price / International,Cost per item,Status
shirt,Shirt,<p>Soft &amp; warm</p>,Loom,Apparel > Shirts,Linen shirts,\"summer, new\",TRUE,Color,Red,Size,M,S-RM,shopify,3,deny,20.00,25.00,'0123,/2.jpg,2,FALSE,linen,99,8.00,active
shirt,,,,,,,,,Blue,,M,S-BM,shopify,0,deny,18.00,,,/1.jpg,1,,,,7.00,
shirt,,,,,,,,,,,,,,,,,,,/3.jpg,3,,,,,
mug,Mug,,Kiln,,Mugs,,TRUE,Title,Default Title,,,,,0,deny,9.50,,,,,,,,,active
card,Card,,Kiln,,Cards,,TRUE,Title,Default Title,,,C,shopify,-4,continue,1.50,,,,,,,,,active
draft,Draft,,Kiln,,Mugs,,TRUE,Title,Default Title,,,D,shopify,1,deny,9.50,,,,,,,,,draft
draft,,,,,,,,,,,,,,,,,,,/d.jpg,1,,,,,
hidden,Hidden,,Kiln,,Mugs,,FALSE,Title,Default Title,,,H,shopify,1,deny,9.50,,,,,,,,,active
";

#[test]
fn rows_of_a_handle_are_one_product() {
    let options = Options { currency: Some("EUR".into()), site: Some("https://shop.example/".into()), ..options() };
    let (report, found) = try_products(Input::bytes(OLD), &options).unwrap();
    assert_eq!((report.format, report.read, report.kept), (Format::ShopifyCsv, 8, 5));
    assert_eq!(report.reasons.get(&Reason::NotPublished), Some(&3));
    assert_eq!(refusals(&report), [(6, Reason::NotPublished), (8, Reason::NotPublished)]);
    assert_eq!(ids(&found), ["shirt", "mug", "card"]);
    assert!(report.is_whole(), "what is not for sale may be withdrawn");

    let shirt = &found[0];
    assert_eq!((shirt.title.as_str(), shirt.description.as_str()), ("Shirt", "Soft & warm"));
    assert_eq!(shirt.category, ["Apparel", "Shirts", "Linen shirts"]);
    assert_eq!((shirt.price, shirt.sale_price, shirt.cost), (Some(25.0), Some(20.0), Some(8.0)));
    assert_eq!((shirt.currency.as_deref(), shirt.brand.as_deref()), (Some("EUR"), Some("Loom")));
    assert_eq!((shirt.stock, shirt.availability), (Some(3), Availability::InStock));
    assert_eq!(shirt.image.as_deref(), Some("/1.jpg"));
    assert_eq!(shirt.url.as_deref(), Some("https://shop.example/products/shirt"));
    let variants: Vec<_> =
        shirt.variants.iter().map(|v| (v.id.as_str(), v.title.as_deref(), v.price, v.availability)).collect();
    let expected = [
        ("S-RM", Some("Red / M"), None, Availability::InStock),
        ("S-BM", Some("Blue / M"), Some(18.0), Availability::OutOfStock),
    ];
    assert_eq!(variants, expected);
    let attributes = json!({
        "color": ["Red", "Blue"], "size": "M", "tags": ["summer", "new"], "barcode": "0123", "fabric": "linen",
        "additional_image_link": ["/2.jpg", "/3.jpg"],
    });
    assert_eq!(json!(shirt.attributes), attributes);

    let mug = &found[1];
    assert_eq!((mug.stock, mug.is_sellable()), (None, true), "nobody counts its stock");
    assert_eq!((mug.variants[0].id.as_str(), mug.variants[0].title.as_deref()), ("mug#Default Title", None));
    assert!(mug.attributes.is_empty());
    assert!(found[2].is_sellable(), "it is sold on without stock");
}

#[test]
fn both_header_generations_say_the_same() {
    let mut new = OLD.to_owned();
    for (old, name) in [
        ("Handle,", "URL handle,"),
        ("Body (HTML)", "Description"),
        ("Product Category", "Product category"),
        ("Published", "Published on online store"),
        ("Option1 Name,Option1 Value", "Option1 name,Option1 value"),
        ("Option2 Name,Option2 Value", "Option2 name,Option2 value"),
        ("Variant SKU", "SKU"),
        ("Variant Inventory Tracker", "Inventory tracker"),
        ("Variant Inventory Qty", "Inventory quantity"),
        ("Variant Inventory Policy", "Continue selling when out of stock"),
        ("Variant Price", "Price"),
        ("Variant Compare At Price", "Compare-at price"),
        ("Variant Barcode", "Barcode"),
        ("Image Src,Image Position", "Product image URL,Image position"),
    ] {
        assert!(new.contains(old), "{old}");
        new = new.replacen(old, name, 1);
    }
    assert_eq!(read_products(&new).1, read_products(OLD).1);
}

#[test]
fn a_product_without_title_is_refused_with_all_its_rows() {
    let (report, found) =
        read_products("Handle,Title,Variant SKU,Variant Price\na,,1,2.00\na,,2,3.00\nb,B,3,x\nb,,4,2.00\n,C,5,1.00\n");
    assert_eq!((report.read, report.kept, found.len()), (5, 0, 0));
    let expected =
        [(3, Reason::BadPrice), (5, Reason::MissingId), (1, Reason::MissingTitle), (4, Reason::MissingTitle)];
    assert_eq!(refusals(&report), expected);
    assert_eq!(report.rows[2].rows, 2);
}

const JSON: &str = r#"{"products":[{"id":632910392,"title":"Shirt","handle":"shirt","body_html":"<p>Soft</p>","vendor":"Loom",
"product_type":"Linen shirts","published_at":"2026-01-01T00:00:00Z","tags":["summer","new"],
"variants":[
 {"id":11,"sku":"S-R","title":"Red / M","option1":"Red","option2":"M","option3":null,"price":"20.00","compare_at_price":"25.00","available":true},
 {"id":12,"sku":"S-B","title":"Blue / M","option1":"Blue","option2":"M","option3":null,"price":"18.00","compare_at_price":null,"available":false}],
"images":[{"position":2,"src":"/2.jpg"},{"position":1,"src":"/1.jpg"}],
"options":[{"name":"Color","position":1,"values":["Red","Blue"]},{"name":"Size","position":2,"values":["M"]}]}]}"#;

#[test]
fn a_storefront_s_json_is_read() {
    let product = one_product(JSON);
    assert_eq!((product.id.as_str(), product.description.as_str()), ("632910392", "Soft"));
    assert_eq!((product.price, product.sale_price), (Some(25.0), Some(20.0)));
    assert_eq!((product.availability, product.stock), (Availability::InStock, None));
    assert_eq!(product.image.as_deref(), Some("/1.jpg"));
    assert_eq!(product.variants.iter().map(|v| v.id.as_str()).collect::<Vec<_>>(), ["11", "12"]);
    let attributes = json!({
        "color": ["Red", "Blue"], "size": "M", "tags": ["summer", "new"], "handle": "shirt",
        "additional_image_link": ["/2.jpg"],
    });
    assert_eq!(json!(product.attributes), attributes);
    let by_handle = Options { shopify_id: ShopifyId::Handle, ..options() };
    let (_, found) = try_products(Input::bytes(JSON), &by_handle).unwrap();
    assert_eq!((found[0].id.as_str(), found[0].variants[0].id.as_str()), ("shirt", "S-R"));
    assert!(!found[0].attributes.contains_key("handle"));
}

#[test]
fn the_admin_interface_says_more() {
    let admin = r#"{"product":{"id":1,"title":"Shirt","status":"active","tags":"summer, new","category":{"full_name":"Apparel > Shirts"},
      "variants":[{"id":5,"price":"20.00","inventory_quantity":4,"inventory_management":"shopify","inventory_policy":"deny","barcode":"0123"},
                  {"id":6,"price":"21.00","inventory_quantity":0,"inventory_management":null}]}}"#;
    let product = try_products(of(Format::ShopifyJson, admin), &options()).unwrap().1.remove(0);
    assert_eq!(product.category, ["Apparel", "Shirts"]);
    assert_eq!(product.variants.iter().map(|v| v.stock).collect::<Vec<_>>(), [Some(4), None]);
    assert_eq!(product.stock, None);
    assert_eq!(json!(product.attributes), json!({"tags": ["summer", "new"], "barcode": "0123"}));
    let draft = admin.replace("active", "archived");
    let (report, found) = try_products(of(Format::ShopifyJson, draft), &options()).unwrap();
    assert_eq!((refusals(&report), found.len()), (vec![(1, Reason::NotPublished)], 0));
}

#[test]
fn pages_of_products_may_follow_one_another() {
    let page = |id| {
        format!(
            r#"{{"products":[{{"id":{id},"title":"A","handle":"a","variants":[]}},{{"id":"x","variants":[{{"price":"?"}}]}}]}}"#
        )
    };
    let text = format!("{}\n{}", page(1), page(2));
    let (report, found) = try_products(of(Format::ShopifyJson, text), &options()).unwrap();
    assert_eq!((report.read, ids(&found)), (4, vec!["1", "2"]));
    assert_eq!(refusals(&report), [(2, Reason::BadPrice), (4, Reason::BadPrice)]);
}
