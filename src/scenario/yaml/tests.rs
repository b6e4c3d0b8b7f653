use proptest::prelude::*;

use super::*;

/// The tree as text: `{key@line:column: value}`.
fn show(node: &Node) -> String {
    match &node.value {
        Value::Null => "null".to_owned(),
        Value::Bool(yes) => yes.to_string(),
        Value::Integer(number) => number.to_string(),
        Value::Float(number) => format!("{number:?}f"),
        Value::String(text) => format!("{text:?}"),
        Value::Sequence(items) => format!("[{}]", items.iter().map(show).collect::<Vec<_>>().join(", ")),
        Value::Mapping(entries) => {
            let entries: Vec<String> =
                entries.iter().map(|(key, node)| format!("{}: {}", key.text, show(node))).collect();
            format!("{{{}}}", entries.join(", "))
        }
    }
}

fn tree(text: &str) -> Node {
    parse(text.as_bytes()).unwrap_or_else(|findings| panic!("{text:?}: {findings:?}"))
}

fn errors(bytes: &[u8]) -> Vec<String> {
    let findings = parse(bytes).expect_err("the text is wrong");
    findings.iter().map(|finding| format!("{} {}", finding.position, finding.message)).collect()
}

#[test]
fn plain_scalars_follow_the_core_schema() {
    let text = "[~, null, '', \"1\", 1, -7, 0x1F, 0o17, 0x, 1.5, .5, 1e3, -1E-2, 1., ., e3, 1e, true, False, \
                yes, no, .inf, -.INF, 1_000, 12:30, 10%, 6h, !!str 5, !!float 2, 99999999999999999999]";
    assert_eq!(
        show(&tree(text)),
        "[null, null, \"\", \"1\", 1, -7, 31, 15, \"0x\", 1.5f, 0.5f, 1000.0f, -0.01f, 1.0f, \".\", \"e3\", \"1e\", \
         true, false, \"yes\", \"no\", inff, -inff, \"1_000\", \"12:30\", \"10%\", \"6h\", \"5\", 2.0f, \
         1e20f]"
    );
}

#[test]
fn positions_count_characters_from_one() {
    let root = tree("ä: 1\nbé:\n  - x\n  - {ö: \"zwei\"}\nempty:\n");
    let entry = |node: &Node, key: &str| node.entry(key).cloned().unwrap();
    let (key, list) = entry(&root, "bé");
    assert_eq!(key.position, Position { line: 2, column: 1, length: 2 });
    assert_eq!(list.items()[0].position, Position { line: 3, column: 5, length: 1 });
    let (key, value) = entry(&list.items()[1], "ö");
    assert_eq!((key.position.line, key.position.column), (4, 6));
    assert_eq!(value.position, Position { line: 4, column: 9, length: 6 });
    let (key, value) = entry(&root, "empty");
    assert_eq!(value.position, key.position, "what is not written is reported at its key");
}

#[test]
fn enormous_numbers_keep_their_digits() {
    let digits = "123456789012345678901234567890";
    let root = tree(&format!("n: {digits}"));
    assert_eq!(root.get("n").unwrap().scalar_text().as_deref(), Some(digits));
}

#[test]
fn anchors_aliases_and_merge_keys_are_resolved() {
    let text =
        "base: &b {x: 1, y: 2}\nmore: &m {y: 3, z: 4}\nall:\n  y: 9\n  <<: [*b, *m]\nsame: *b\n'<<': text\n";
    assert_eq!(
        show(&tree(text)),
        "{base: {x: 1, y: 2}, more: {y: 3, z: 4}, all: {y: 9, x: 1, z: 4}, same: {x: 1, y: 2}, <<: \"text\"}"
    );
    let copy = tree(text).get("same").unwrap().clone();
    assert_eq!(copy.position.line, 6, "the alias itself");
    assert_eq!(copy.get("x").unwrap().position.line, 1, "what it stands for");
}

#[test]
fn each_kind_of_bad_text_has_its_own_message() {
    for (text, expected) in [
        ("", "1:1 the file is empty"),
        ("# only a comment\n", "1:1 the file is empty"),
        ("---\n", "1:1 the file is empty"),
        ("a: 1\n---\nb: 2\n", "2:1 a second YAML document starts here"),
        ("a:\n\tb: 1\n", "2:1 a tab is used for indentation"),
        ("a:\n  b: 1\n  \tc: 2\n", "3:3 a tab is used for indentation"),
        ("a: 1\nb: 2\na: 3\n", "3:1 duplicate key `a`"),
        ("a: &x [*x]\n", "1:8 this alias is inside its own anchor"),
        ("a: {<<: 1}\n", "1:5 a merge key needs a map or a list of maps, not a number"),
        ("? [a, b]\n: c\n", "1:3 a key must be a single word, not a list"),
        ("a: !secret x\n", "1:4 the YAML tag `!secret` means nothing here"),
        ("a: !!int x\n", "1:4 `x` does not fit the YAML tag `!!int`"),
    ] {
        assert_eq!(errors(text.as_bytes()), [expected], "{text:?}");
    }
    assert_eq!(errors(b"a: b\nc: \xff\xfe"), ["2:4 not UTF-8 text: byte 0xff"]);
    assert!(errors(b"a: b: c")[0].starts_with("1:"));
}

#[test]
fn what_is_no_yaml_is_explained_without_the_parsers_words() {
    for (text, expected) in [
        ("%PDF-1.7 {{{ ]]\n", "1:1 a line that begins with `%` is a directive"),
        ("[package]\nname = \"x\"\n", "2:1 what stands here belongs to no key and no list"),
        ("{\"a\": 1}}\n", "1:9 a bracket is closed here"),
        ("a: [1, 2", "1:8 a list in `[...]` is not closed"),
        ("a: {b: 1\n\n", "1:8 a map in `{...}` is not closed"),
        ("a: 'x\nb: 1\n", "1:4 a text in quotes does not end"),
        ("a: \"\\q\"\n", "1:4 a backslash in \"...\""),
        ("a: b: c\n", "1:5 a key or an item cannot"),
        ("a: 1\n  b: 2\n", "2:4 a key or an item cannot"),
        ("a:\n    b: 1\n  c: 2\n", "3:3 this line is not indented"),
        ("a: *nowhere\n", "1:4 an alias (`*name`) has no anchor"),
        ("a: @x\n", "1:4 no value can begin with this"),
        ("a: | x\n", "1:4 `|` or `>` must end its line"),
        ("<html><body>\n<p class='a'>x: y</p>\n", "2:15 a key or an item"),
        ("a: !<x\n", "1:4 `!` begins a tag"),
        ("a: b\n]", "2:1 a bracket is closed here"),
    ] {
        let findings = parse(text.as_bytes()).expect_err(text);
        let shown = format!("{} {}", findings[0].position, findings[0].message);
        assert!(shown.starts_with(expected), "{text:?}: {shown}");
        assert!(findings[0].help.is_some(), "{text:?} has no way out");
        for word in ["did not find", "while ", "scalar", "simple key", "mapping", "sequence", "token"] {
            assert!(!shown.contains(word), "{text:?}: {shown}");
        }
    }
}

#[test]
fn every_duplicate_key_is_reported_with_both_positions() {
    let findings = parse(b"a: 1\na: 2\nm:\n  k: 1\n  k: 2\n").unwrap_err();
    let shown: Vec<String> =
        findings.iter().map(|f| format!("{} {}", f.position, f.help.as_deref().unwrap())).collect();
    assert_eq!(
        shown,
        ["2:1 it was first written at line 1, column 1", "5:3 it was first written at line 4, column 3"]
    );
}

#[test]
fn hostile_sizes_are_refused() {
    let mut laughs = "l0: &l0 [lol, lol, lol, lol, lol, lol, lol, lol, lol, lol]\n".to_owned();
    for level in 1..12 {
        let previous = level - 1;
        let aliases = vec![format!("*l{previous}"); 10].join(", ");
        laughs.push_str(&format!("l{level}: &l{level} [{aliases}]\n"));
    }
    assert!(errors(laughs.as_bytes())[0].ends_with("aliases copy more than 200000 values"));
    let deep = format!("{}{}", "[".repeat(MAX_DEPTH + 1), "]".repeat(MAX_DEPTH + 1));
    assert_eq!(errors(deep.as_bytes()), ["1:65 lists and maps are nested more than 64 deep"]);
    assert!(parse(&deep.as_bytes()[1..2 * MAX_DEPTH + 1]).is_ok());
    assert!(errors(&vec![b' '; MAX_BYTES + 1])[0].contains("at most 8388608 are read"));
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = parse(&bytes);
    }

    #[test]
    fn no_text_of_yaml_characters_makes_it_panic(text in "[-a-c0:,\\[\\]{}&*!|>'\"%@`#?<. \n\t~é]{0,60}") {
        if let Err(findings) = parse(text.as_bytes()) {
            prop_assert!(!findings.is_empty());
        }
    }

    /// Oracle: what a JSON writer wrote is read back as the same values.
    #[test]
    fn json_is_read_back(map in proptest::collection::btree_map("[a-z]{1,6}", (any::<i64>(), any::<bool>(), "[ -~]{0,12}"), 0..6)) {
        let json = serde_json::to_string(&map).unwrap();
        let root = tree(&json);
        prop_assert_eq!(root.entries().len(), map.len());
        for ((key, node), (name, (number, yes, text))) in root.entries().iter().zip(&map) {
            prop_assert_eq!(&*key.text, name.as_str());
            let expected = [Value::Integer(*number), Value::Bool(*yes), Value::String(text.as_str().into())];
            let values: Vec<Value> = node.items().iter().map(|node| node.value.clone()).collect();
            prop_assert_eq!(&values[..], &expected[..]);
        }
    }
}
