//! The guide to errors and the errors are the same.

use perennial_http_api::Kind;

const GUIDE: &str = include_str!("../../../docs/errors.md");

#[test]
fn the_guide_has_every_problem_and_no_other() {
    let told: Vec<&str> = GUIDE.lines().filter_map(|line| line.strip_prefix("### ")).collect();
    let known: Vec<String> =
        Kind::ALL.iter().map(|kind| format!("`{}` ({})", kind.name(), kind.status().as_u16())).collect();
    assert_eq!(told, known);
    for section in GUIDE.split("\n### ").skip(1) {
        let heading = section.lines().next().unwrap();
        assert!(section.matches('*').count() >= 2, "{heading}: what to do?");
    }
}

#[test]
fn a_type_is_one_problem() {
    for kind in Kind::ALL {
        assert_eq!(Kind::ALL.iter().filter(|other| other.name() == kind.name()).count(), 1);
    }
    assert!(Kind::ALL.is_sorted_by_key(|kind| kind.status()));
}
