#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| fargate_fuzz::large::check(input));
