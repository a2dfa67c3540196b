//! How many waiting tasks pay: replays the traces of `bench/traces` and prints what each way to keep tasks brings and
//! costs, as the table of `docs/warm-sizing.md`, and draws hits over idle cost.

mod compare;
mod generate;
mod hindsight;
mod plot;
mod table;
mod trace;

use std::path::Path;

const USAGE: &str = "usage: warm-sizing [PLOT.svg]\n       warm-sizing generate FOLDER";

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["generate", folder] => generate::write(Path::new(folder)).expect("the folder is there"),
        [] => print(&compare::all()),
        [plot] => {
            let compared = compare::all();
            print(&compared);
            plot::draw(Path::new(plot), &compared).expect("the plot can be written");
        }
        _ => panic!("{USAGE}"),
    }
}

fn print(compared: &[compare::Compared]) {
    println!("{}", table::text(compared));
    print!("{}", table::of_other_days());
}
