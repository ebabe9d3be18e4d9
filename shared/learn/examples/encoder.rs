//! Scratch experiments with the encoder alone.
#![allow(
    unsafe_code,
    clippy::all,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    missing_docs
)]
use std::ops::ControlFlow;
use std::time::Instant;
use vitrine_learn::encoder::*;
use vitrine_learn::settings;

fn cpu() -> f64 {
    let s = std::fs::read_to_string("/proc/self/stat").unwrap();
    let f: Vec<&str> = s.rsplit(')').next().unwrap().split_whitespace().collect();
    (f[11].parse::<f64>().unwrap() + f[12].parse::<f64>().unwrap()) / 100.0
}

struct Case {
    past: Vec<u32>,
    truth: u32,
    exclude: bool,
}

/// HR@10, NDCG@10, HR@20, MRR@20
fn judge(w: &Weights, cat: &Catalogue<'_>, cases: &[Case]) -> [f64; 4] {
    let d = w.layout().dims;
    let table = w.products_table(cat);
    let m = cat.products;
    let view = View::new(w.layout(), w.dense()).unwrap();
    let chunk = cases.len().div_ceil(2).max(1);
    let sums: Vec<[f64; 4]> = std::thread::scope(|s| {
        let hs: Vec<_> = cases
            .chunks(chunk)
            .map(|cases| {
                let (table, view) = (&table, &view);
                s.spawn(move || {
                    let mut scratch = Scratch::new(&w.layout());
                    let mut sums = [0.0; 4];
                    for cases in cases.chunks(64) {
                        let mut q = vec![0.0f32; cases.len() * d];
                        for (c, q) in cases.iter().zip(q.chunks_exact_mut(d)) {
                            let past: Vec<Past> =
                                c.past.iter().map(|r| Past { row: *r, kind: 0, gap_days: 0.0 }).collect();
                            view.encode(
                                &past,
                                |r, o| o.copy_from_slice(&table[r as usize * d..][..d]),
                                &mut scratch,
                                q,
                            );
                        }
                        let mut scores = vec![0.0f32; cases.len() * m];
                        unsafe {
                            gemm::gemm(
                                cases.len(),
                                m,
                                d,
                                scores.as_mut_ptr(),
                                1,
                                m as isize,
                                false,
                                q.as_ptr(),
                                1,
                                d as isize,
                                table.as_ptr(),
                                d as isize,
                                1,
                                0.0,
                                1.0,
                                false,
                                false,
                                false,
                                gemm::Parallelism::None,
                            );
                        }
                        for (c, s) in cases.iter().zip(scores.chunks_exact_mut(m)) {
                            let own = s[c.truth as usize];
                            if c.exclude {
                                for r in &c.past {
                                    s[*r as usize] = f32::NEG_INFINITY;
                                }
                            }
                            s[c.truth as usize] = f32::NEG_INFINITY;
                            let rank = s.iter().filter(|x| **x >= own).count();
                            if rank < 10 {
                                sums[0] += 1.0;
                                sums[1] += 1.0 / (rank as f64 + 2.0).log2();
                            }
                            if rank < 20 {
                                sums[2] += 1.0;
                                sums[3] += 1.0 / (rank as f64 + 1.0);
                            }
                        }
                    }
                    sums
                })
            })
            .collect();
        hs.into_iter().map(|h| h.join().unwrap()).collect()
    });
    let mut out = [0.0; 4];
    for s in sums {
        for i in 0..4 {
            out[i] += s[i] / cases.len() as f64;
        }
    }
    out
}

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let path = &args[0];
    let mode = args.get(1).map(String::as_str).unwrap_or("valid"); // valid | test:EPOCHS | full (valid then test)
    let mut json: serde_json::Value = serde_json::from_str(args.get(2).map(String::as_str).unwrap_or("{}")).unwrap();
    let obj = json.as_object_mut().unwrap();
    let seeds = obj.remove("seeds").and_then(|x| x.as_u64()).unwrap_or(1);
    let first = obj.remove("first").and_then(|x| x.as_u64()).unwrap_or(0);
    let patience = obj.remove("patience").and_then(|x| x.as_u64()).unwrap_or(4) as usize;
    let every = obj.remove("every").and_then(|x| x.as_u64()).unwrap_or(1) as usize;
    let attrs = obj.remove("attrs").is_some();
    let at = obj.remove("threads").and_then(|x| x.as_u64()).unwrap_or(2) as usize;
    let s: settings::Encoder = serde_json::from_value(json).unwrap();
    // read
    let (mut hist, mut test): (Vec<Vec<u32>>, Vec<Case>) = Default::default();
    let mut ids = std::collections::BTreeMap::new();
    let mut get = |w: &str| {
        let n = ids.len() as u32;
        *ids.entry(w.to_string()).or_insert(n)
    };
    let sessions = std::path::Path::new(path).is_dir();
    if sessions {
        for l in std::fs::read_to_string(format!("{path}/train_sessions.txt")).unwrap().lines() {
            hist.push(l.split_whitespace().map(&mut get).collect());
        }
        for l in std::fs::read_to_string(format!("{path}/test_cases.txt")).unwrap().lines() {
            let (p, t) = l.split_once('\t').unwrap();
            test.push(Case { past: p.split_whitespace().map(&mut get).collect(), truth: get(t), exclude: false });
        }
    } else {
        for l in std::fs::read_to_string(path).unwrap().lines() {
            let mut h: Vec<u32> = l.split_whitespace().skip(1).map(&mut get).collect();
            let t = h.pop().unwrap();
            test.push(Case { past: h.clone(), truth: t, exclude: true });
            hist.push(h);
        }
    }
    let products = ids.len();
    let (mut starts, mut list) = (vec![], vec![]);
    if attrs {
        let j: serde_json::Value =
            serde_json::from_str(&std::fs::read_to_string(path.replace(".txt", "_item2attributes.json")).unwrap())
                .unwrap();
        let mut by: Vec<Vec<u32>> = vec![vec![]; products];
        for (k, v) in j.as_object().unwrap() {
            if let Some(r) = ids.get(k) {
                by[*r as usize] = v.as_array().unwrap().iter().map(|x| x.as_u64().unwrap() as u32).collect();
            }
        }
        starts.push(0);
        for b in by {
            list.extend(b);
            starts.push(list.len() as u32);
        }
    }
    let cat = Catalogue { products, attribute_starts: &starts, attributes: &list, ..Default::default() };
    // validation: last of the training histories (sequences), last tenth of sessions with all prefixes' last label (sessions)
    let mut valid: Vec<Case> = vec![];
    let mut cut: Vec<Vec<u32>> = vec![];
    let from = if sessions { hist.len() - 10000 } else { 0 };
    for (u, h) in hist.iter().enumerate() {
        if u < from {
            cut.push(h.clone());
            continue;
        }
        let (t, p) = h.split_last().unwrap();
        if !p.is_empty() && (sessions || !p.contains(t)) {
            if sessions || vitrine_mix(u as u64) % (hist.len() as u64) < 8000 {
                valid.push(Case { past: p.to_vec(), truth: *t, exclude: !sessions });
            }
        }
        if !sessions {
            cut.push(p.to_vec());
        }
    }
    println!("{} histories {} products {} valid {} test", hist.len(), products, valid.len(), test.len());
    if mode == "speed" {
        let s = settings::Encoder { epochs: 1, ..s };
        let seq = Sequences::of_views(hist.iter().take(100).map(|h| &h[..]));
        let w = train(&seq, &cat, &s, 1, 1, None, &mut |_, _| ControlFlow::Break(()));
        let (table, d) = (w.products_table(&cat), w.layout().dims);
        let (view, mut scratch, mut out) =
            (View::new(w.layout(), w.dense()).unwrap(), Scratch::new(&w.layout()), vec![0.0; d]);
        let mut times: Vec<f64> = (0..20_000u64)
            .map(|i| {
                let past: Vec<Past> = (0..50)
                    .map(|j| Past {
                        row: (vitrine_mix(i * 50 + j) % products as u64) as u32,
                        kind: 0,
                        gap_days: j as f32,
                    })
                    .collect();
                let t = Instant::now();
                view.encode(&past, |r, o| o.copy_from_slice(&table[r as usize * d..][..d]), &mut scratch, &mut out);
                t.elapsed().as_secs_f64() * 1e6
            })
            .collect();
        times.sort_by(f64::total_cmp);
        println!("encode 50 actions: p50 {:.1} us p99 {:.1} us", times[10_000], times[19_800]);
        return;
    }
    let mut tests = vec![];
    for seed in first..first + seeds {
        let mut best = (0.0, 0, [0.0; 4]);
        if !mode.starts_with("test") {
            let seq = Sequences::of_views(cut.iter().map(|h| &h[..]));
            let (t0, c0) = (Instant::now(), cpu());
            let (mut tj, mut cj) = (0.0, 0.0);
            train(&seq, &cat, &s, seed, at, None, &mut |e, w| {
                if e.number % every != 0 {
                    return ControlFlow::Continue(());
                }
                let (t1, c1) = (Instant::now(), cpu());
                let f = judge(w, &cat, &valid);
                tj += t1.elapsed().as_secs_f64();
                cj += cpu() - c1;
                println!(
                    "{seed} {:3} loss {:.4}  hr10 {:.4} ndcg10 {:.4} hr20 {:.4} mrr20 {:.4}  cpu {:.2} wall {:.2}",
                    e.number,
                    e.loss,
                    f[0],
                    f[1],
                    f[2],
                    f[3],
                    cpu() - c0 - cj,
                    t0.elapsed().as_secs_f64() - tj
                );
                let goal = if sessions { f[3] } else { f[1] };
                if goal > best.0 {
                    best = (goal, e.number, f);
                }
                if e.number >= best.1 + patience * every { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            });
            println!(
                "BEST seed {seed} epoch {} hr10 {:.4} ndcg10 {:.4} hr20 {:.4} mrr20 {:.4}",
                best.1, best.2[0], best.2[1], best.2[2], best.2[3]
            );
        }
        if mode != "valid" {
            let epochs = mode.strip_prefix("test:").and_then(|x| x.parse().ok()).unwrap_or(best.1);
            let seq = Sequences::of_views(hist.iter().map(|h| &h[..]));
            let c0 = cpu();
            let w = train(&seq, &cat, &s, seed, at, None, &mut |e, _| {
                if e.number >= epochs { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            });
            let c1 = cpu();
            let f = judge(&w, &cat, &test);
            println!(
                "TEST seed {seed} epochs {epochs} hr10 {:.4} ndcg10 {:.4} hr20 {:.4} mrr20 {:.4} cpu {:.1}",
                f[0],
                f[1],
                f[2],
                f[3],
                c1 - c0
            );
            tests.push(f);
        }
    }
    if tests.len() > 1 {
        let n = tests.len() as f64;
        let mean: Vec<f64> = (0..4).map(|i| tests.iter().map(|t| t[i]).sum::<f64>() / n).collect();
        println!("MEAN TEST {:?}", mean);
    }
}
fn vitrine_mix(x: u64) -> u64 {
    let x = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}
