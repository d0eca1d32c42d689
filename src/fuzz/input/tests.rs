use proptest::prelude::*;

use serde_json::{Map, json};

use super::*;
use crate::drive::{ENDPOINT, LEFT_OUT, PATH_WITH_TOKEN, SESSION};
use crate::transport::HttpRequest;

fn shots() -> impl Strategy<Value = Shot> {
    let bytes = prop_oneof![
        any::<Vec<u8>>(),
        any::<String>().prop_map(String::into_bytes),
        Just(b"${id}".to_vec())
    ];
    bytes.prop_map(|bytes| Shot::message(bytes.into()))
}

proptest! {
    #[test]
    fn what_is_saved_is_read_again(shots in prop::collection::vec(shots(), 1..4)) {
        let input = Input { shots, ..Input::default() };
        let again = Input::of_steps(&input.steps()).unwrap();
        prop_assert_eq!(again.shots, input.shots);
    }

    #[test]
    fn a_line_in_two_writes_is_read_again(bytes in "[a-z]{2,20}", at in 1..20_usize, identity in 0..2_usize) {
        let split = Some(at).filter(|at| *at < bytes.len());
        let shot = Shot::Message { bytes: bytes.into(), split, headers: Map::new(), identity: [None, Some("expired".to_owned())][identity].clone() };
        let input = Input { shots: vec![shot], ..Input::default() };
        prop_assert_eq!(Input::of_steps(&input.steps()).unwrap().shots, input.shots);
    }

    #[test]
    fn an_exchange_is_read_again(body in any::<Vec<u8>>(), value in "[a-z]{0,5}", path in 0..4_usize) {
        let request = HttpRequest {
            replica: 0,
            method: "GET".to_owned(),
            path: [None, Some("/x".to_owned()), Some(format!("{ENDPOINT}0")), Some(PATH_WITH_TOKEN.to_owned())][path].clone(),
            headers: [("A", value.as_str()), ("B", SESSION), ("C", LEFT_OUT)]
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .to_vec(),
            body: body.into(),
        };
        let input = Input { shots: vec![Shot::Http(request)], ..Input::default() };
        prop_assert_eq!(Input::of_steps(&input.steps()).unwrap().shots, input.shots);
    }

    #[test]
    fn ids_differ_between_inputs(one in 0..u64::from(u32::MAX), other in 0..u64::from(u32::MAX)) {
        let message = json!({ "id": id(0), "other": id(9) });
        let numbered = |index| Input::json("", &message).numbered(index).shots;
        prop_assert_eq!(numbered(one) == numbered(other), one == other);
    }
}

#[test]
fn ids_that_others_may_have_are_known() {
    let odd = |text: &str| Input::bytes("", text.to_owned()).odd_ids();
    assert_eq!(odd(r#"{"id": 1.0}"#), odd(r#"{"id":"1"}"#));
    assert_eq!(odd(r#"{"id":"","x":{"id":-1}}"#), ["", "-1"]);
    assert_eq!(odd(r#"{"id":null,"method":"id"}"#), [""; 0]);
    // What is no JSON may be answered with what it seems to say.
    assert_eq!(odd(r#"{"id":""jsonrpc":"2.0","x":1}"#), [""]);
    assert_eq!(odd(r#"{"id":"a""#), odd(r#"{"id":"a","x":1}"#));
    let own = json!({ "id": id(0), "params": { "id": id(1) } });
    for index in 0..2 {
        assert_eq!(Input::json("", &own).numbered(index).odd_ids(), [""; 0]);
    }
}

#[test]
fn only_whole_places_are_numbered() {
    let text = r#"%ID1% "%ID" "%IDx%" "%ID3%" "%ID4%"#;
    let numbered = Input::bytes("", text.to_owned()).numbered(0);
    let expected = r#"%ID1% "%ID" "%IDx%" 1000003 "%ID4%"#;
    assert_eq!(numbered.shots[0].bytes(), expected);
}

#[test]
fn the_shape_forgets_values_but_not_methods() {
    let shape = |text: &str| Input::bytes("", text.to_owned()).shape();
    assert_eq!(
        shape(r#"{"id":1,"method":"a"}"#),
        shape(r#"{"method":"a","id":2}"#)
    );
    assert_ne!(
        shape(r#"{"id":1,"method":"a"}"#),
        shape(r#"{"method":"b","id":1}"#)
    );
    assert_eq!(shape(r#"{"id":1,"x":0}"#), shape(r#"{"id":"1","y":[]}"#));
    assert_ne!(shape(r#"{"id":1}"#), shape(r#"{"id":1.5}"#));
    let params = |text: &str| shape(&format!(r#"{{"params":{text}}}"#));
    assert_eq!(params(r#"{"_meta":null}"#), params(r#"{"_meta":{"a":1}}"#));
    assert_ne!(params(r#"{"_meta":{}}"#), params(r#"{"name":{}}"#));
    assert_eq!(shape("{"), shape("]"));
    assert_ne!(shape("{"), shape(""));
}
