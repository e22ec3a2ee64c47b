//! Prints the API's description; `openapi.json` at the top of the project is what it printed last.

#![allow(clippy::print_stdout, reason = "printing is what it is for")]

use bob_tower::{Area, openapi_json};

fn main() {
    print!("{}", openapi_json(Area::ALL));
}
