use proptest::prelude::*;

use serde_json::{Map, json};

use super::*;
use crate::catalog::case::{Action, Step};
use crate::drive::{ENDPOINT, LEFT_OUT, PATH_WITH_TOKEN, SESSION, said};
use crate::transport::HttpRequest;

fn shots() -> impl Strategy<Value = Shot> {
    let bytes = prop_oneof![
        any::<Vec<u8>>(),
        any::<String>().prop_map(String::into_bytes),
        Just(b"${id}".to_vec())
    ];
    bytes.prop_map(|bytes| Shot::message(bytes.into()))
}

fn steps(input: &Input) -> Vec<Step> {
    Input::steps(std::slice::from_ref(input), |_, _| {})
}

proptest! {
    #[test]
    fn what_is_saved_is_read_again(shots in prop::collection::vec(shots(), 1..4)) {
        let input = Input { shots, ..Input::default() };
        let again = Input::of_steps(&steps(&input)).unwrap();
        prop_assert_eq!(again.shots, input.shots);
    }

    #[test]
    fn inputs_that_go_out_at_once_are_one_step(all in prop::collection::vec(prop::collection::vec(shots(), 1..3), 1..4)) {
        let inputs: Vec<Input> = all.into_iter().map(|shots| Input { shots, ..Input::default() }).collect();
        let shots: Vec<Shot> = inputs.iter().flat_map(|input| input.shots.clone()).collect();
        let steps = Input::steps(&inputs, |_, _| {});
        prop_assert_eq!(steps.len(), 1);
        prop_assert_eq!(matches!(steps[0].action, Action::Together(_)), shots.len() > 1);
        prop_assert_eq!(Input::of_steps(&steps).unwrap().shots, shots);
    }

    #[test]
    fn a_line_in_two_writes_is_read_again(bytes in "[a-z]{2,20}", at in 1..20_usize, identity in 0..2_usize) {
        let split = Some(at).filter(|at| *at < bytes.len());
        let shot = Shot::Message { bytes: bytes.into(), split, headers: Map::new(), identity: [None, Some("expired".to_owned())][identity].clone() };
        let input = Input { shots: vec![shot], ..Input::default() };
        prop_assert_eq!(Input::of_steps(&steps(&input)).unwrap().shots, input.shots);
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
        prop_assert_eq!(Input::of_steps(&steps(&input)).unwrap().shots, input.shots);
    }

    #[test]
    fn what_repeats_an_answer_is_read_again(before in "[a-z]{0,3}", after in "[a-z$]{0,3}", times in 1..3_usize) {
        let message = |text: &str| Input::json("", &json!({ "method": "x", "a": [text, 1], "b": { "$var": "c" } }));
        let state = format!("{before}{}{after}", said("/result/state").repeat(times));
        let shots = ["plain", &state, &said("/result/a/id")].map(|text| message(text).shots.remove(0));
        let reply = json!({ "error": { "code": 1, "message": "no" } });
        let input = Input { shots: shots.to_vec(), replies: [("m".to_owned(), reply)].into(), ..Input::default() };
        let again = Input::of_steps(&steps(&input)).unwrap();
        prop_assert_eq!((again.shots, again.replies), (input.shots, input.replies));
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
fn what_waits_in_a_case_is_no_input() {
    let read = |steps: Value| {
        let steps: Vec<Step> = serde_json::from_value(steps).unwrap();
        Input::of_steps(&steps).map(|input| input.shots.len())
    };
    let (one, two) = (json!({ "bytes": "1" }), json!({ "bytes": "2" }));
    assert_eq!(read(json!([one, { "alive": true }])), Some(1));
    assert_eq!(read(json!([{ "together": [one, two] }])), Some(2));
    assert_eq!(read(json!([one, two])), None);
    assert_eq!(read(json!([one, { "alive": true }, two])), None);
}

/// What is repeated is saved before, and where it was not said nothing is judged.
#[test]
fn what_is_repeated_is_saved() {
    let message = |text: &str| json!({ "method": "x", "text": text });
    let messages = ["", &said("/result/id"), "", &said("/result/id")].map(message);
    let steps = steps(&Input::messages("", &messages));
    // What repeats something waits for it, and what follows goes out with that.
    let Action::Together(both) = &steps[1].action else {
        panic!("{steps:?}");
    };
    let all = [&steps[0], &both[0], &both[1], &steps[2]];
    let saves = all.map(|step| !step.expect.save.is_empty());
    assert_eq!(saves, [true, true, true, false]);
    let given = json!({ "result": { "id": { "$type": "string" } } });
    assert_eq!(steps[0].expect.given, Some(given));
    assert!(all[1..].iter().all(|step| step.expect.given.is_none()));
}

#[test]
fn what_ends_its_session_is_followed_by_another() {
    let end = HttpRequest {
        replica: 0,
        method: "DELETE".to_owned(),
        path: None,
        headers: vec![("Mcp-Session-Id".to_owned(), SESSION.to_owned())],
        body: bytes::Bytes::new(),
    };
    let input = Input {
        shots: vec![Shot::Http(end)],
        ..Input::default()
    };
    assert!(input.ends_session() && input.is_alone());
    let steps = steps(&input);
    assert!(matches!(steps[1].action, Action::Reconnect));
    assert!(Input::of_steps(&steps).unwrap().ends_session());
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
