//! Scratch: lines of stdin to vectors, little-endian f32 in OUT.
use std::io::Read;
fn main() {
    let a: Vec<String> = std::env::args().collect();
    let e = vitrine_learn::text::TextEncoder::open(a[1].as_ref()).unwrap();
    let mut s = String::new();
    std::io::stdin().read_to_string(&mut s).unwrap();
    let lines: Vec<&str> = s.lines().collect();
    let t = std::time::Instant::now();
    let n: usize = lines.iter().map(|l| e.tokens(l).len()).sum();
    eprintln!("tokens {n} in {:?}", t.elapsed());
    let t = std::time::Instant::now();
    let v = e.embed(&lines, 1, &mut |_| ());
    eprintln!("{:.3} ms a text", t.elapsed().as_secs_f64() * 1e3 / lines.len() as f64);
    std::fs::write(&a[2], v.iter().flat_map(|x| x.to_le_bytes()).collect::<Vec<u8>>()).unwrap();
}
