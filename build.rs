//! The catalog is compiled in: a new file in it must rebuild the program.

fn main() {
    println!("cargo::rerun-if-changed=cases");
}
