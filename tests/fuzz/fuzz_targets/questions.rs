#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| vitrine_tests::parsers::questions(bytes));
