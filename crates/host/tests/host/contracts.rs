//! Our `wit/` against the SDK's: the same signatures, for what we use.

use std::path::{Path, PathBuf};
use std::process::Command;

use wit_parser::{Resolve, Type, TypeDefKind, TypeId};

fn ours() -> Resolve {
    let mut resolve = Resolve::default();
    resolve.push_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../wit")).unwrap();
    resolve
}

/// The SDK of the locked version, from cargo's own registry folder.
fn sdks() -> Resolve {
    let metadata = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--locked", "--filter-platform", "wasm32-wasip2"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(metadata.status.success(), "{}", String::from_utf8_lossy(&metadata.stderr));
    let metadata: serde_json::Value = serde_json::from_slice(&metadata.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    let sdk = packages.iter().find(|package| package["name"] == "spin-sdk").expect("spin-sdk is locked");
    let wit = PathBuf::from(sdk["manifest_path"].as_str().unwrap()).with_file_name("wit");
    let mut resolve = Resolve { all_features: true, ..Resolve::default() };
    resolve.push_dir(wit).unwrap();
    resolve
}

/// Every function and type of an interface, written out without names of packages.
fn describe(resolve: &Resolve, package: &str, interface: &str) -> Vec<String> {
    let id = resolve.package_names.iter().find(|(name, _)| name.to_string() == package);
    let (_, id) = id.unwrap_or_else(|| panic!("no package {package}"));
    let interface = &resolve.interfaces[resolve.packages[*id].interfaces[interface]];
    let mut lines: Vec<String> = interface
        .functions
        .values()
        .map(|function| {
            let parameters: Vec<_> = function
                .params
                .iter()
                .map(|parameter| format!("{}: {}", parameter.name, ty(resolve, &parameter.ty)))
                .collect();
            let result = function.result.as_ref().map(|result| ty(resolve, result)).unwrap_or_default();
            format!(
                "{}: {:?}({}) -> {result}",
                function.name,
                std::mem::discriminant(&function.kind),
                parameters.join(", ")
            )
        })
        .chain(interface.types.iter().map(|(name, id)| format!("type {name} = {}", definition(resolve, *id))))
        .collect();
    lines.sort();
    lines
}

fn ty(resolve: &Resolve, given: &Type) -> String {
    match given {
        Type::Id(id) => match &resolve.types[*id].name {
            Some(name) => name.clone(),
            None => definition(resolve, *id),
        },
        plain => format!("{plain:?}"),
    }
}

fn definition(resolve: &Resolve, id: TypeId) -> String {
    let optional =
        |given: &Option<Type>| given.as_ref().map_or_else(|| "_".into(), |given| ty(resolve, given));
    match &resolve.types[id].kind {
        TypeDefKind::Record(record) => {
            let fields: Vec<_> =
                record.fields.iter().map(|f| format!("{}: {}", f.name, ty(resolve, &f.ty))).collect();
            format!("record {fields:?}")
        }
        TypeDefKind::Variant(variant) => {
            let cases: Vec<_> =
                variant.cases.iter().map(|c| format!("{}({})", c.name, optional(&c.ty))).collect();
            format!("variant {cases:?}")
        }
        TypeDefKind::Enum(names) => {
            format!("enum {:?}", names.cases.iter().map(|c| &c.name).collect::<Vec<_>>())
        }
        TypeDefKind::List(inner) => format!("list<{}>", ty(resolve, inner)),
        TypeDefKind::Option(inner) => format!("option<{}>", ty(resolve, inner)),
        TypeDefKind::Result(result) => format!("result<{}, {}>", optional(&result.ok), optional(&result.err)),
        TypeDefKind::Handle(wit_parser::Handle::Own(id)) => format!("own {}", ty(resolve, &Type::Id(*id))),
        TypeDefKind::Handle(wit_parser::Handle::Borrow(id)) => {
            format!("borrow {}", ty(resolve, &Type::Id(*id)))
        }
        TypeDefKind::Type(inner) => ty(resolve, inner),
        TypeDefKind::Resource => "resource".into(),
        other => panic!("not expected in these interfaces: {other:?}"),
    }
}

#[test]
fn our_signatures_are_the_sdks() {
    let (ours, sdks) = (ours(), sdks());
    for (package, interface) in [
        ("spin:sqlite@3.0.0", "sqlite"),
        ("fermyon:spin@2.0.0", "redis"),
        ("fermyon:spin@2.0.0", "variables"),
        ("fermyon:spin", "inbound-redis"),
    ] {
        let ours = describe(&ours, package, interface);
        assert!(!ours.is_empty());
        assert_eq!(ours, describe(&sdks, package, interface), "{package} {interface}");
    }
    // Only the types that `inbound-redis` uses are ours.
    let theirs = describe(&sdks, "fermyon:spin", "redis-types");
    for line in describe(&ours, "fermyon:spin", "redis-types") {
        assert!(theirs.contains(&line), "{line}");
    }
}

#[test]
fn the_cron_world_is_an_async_export() {
    let mut resolve = Resolve::default();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../wit/deps/spin-cron@3.0.0");
    let (package, _) = resolve.push_dir(folder).unwrap();
    assert_eq!(resolve.packages[package].name.to_string(), "spin:cron@3.0.0");
    let world = &resolve.worlds[resolve.packages[package].worlds["spin-cron"]];
    let export = world.exports.values().next().unwrap();
    let wit_parser::WorldItem::Function(function) = export else { panic!("not a function: {export:?}") };
    assert_eq!(function.name, "handle-cron-event");
    assert_eq!(function.kind, wit_parser::FunctionKind::AsyncFreestanding);
    assert_eq!(
        describe(&resolve, "spin:cron@3.0.0", "cron-types"),
        ["type error = variant [\"other(String)\"]", "type metadata = record [\"timestamp: U64\"]",]
    );
}
