//! `cases show`: cases, rules and requirements, as a report that can be read.

mod json;
mod page;
mod steps;
mod words;

use super::{Failure, print};
use crate::catalog::select::{Selection, did_you_mean, near};
use crate::catalog::{
    Action, Case, Catalog, Clause, Concern, Hint, Party, Requirement, SessionKind,
};
use crate::revision::Revision;
use crate::rule::{RULES, Rule};
use crate::transport::Transport;
use page::Page;

/// What can be shown.
enum Item<'a> {
    Case(&'a Case),
    Rule(&'static Rule),
    Requirement(&'a Requirement),
}

/// Prints everything of this name, or that this glob matches.
pub(super) fn run(catalog: &Catalog, name: &str, as_json: bool) -> Result<(), Failure> {
    let items = find(catalog, name)?;
    if as_json {
        return print(&super::cases::to_json(&json::items(&items, catalog))?);
    }
    let mut page = Page::new();
    for item in items {
        page.gap();
        match item {
            Item::Case(case) => write_case(&mut page, case, catalog),
            Item::Rule(rule) => write_rule(&mut page, rule, catalog),
            Item::Requirement(requirement) => write_requirement(&mut page, requirement, catalog),
        }
    }
    print(&page.finish())
}

/// A plain name may be that of a case and of a requirement; a glob means requirements only if it matches no case.
fn find<'a>(catalog: &'a Catalog, name: &str) -> Result<Vec<Item<'a>>, Failure> {
    // The name of a trial is that of its case, at a revision over a transport.
    let id = name.split('@').next().unwrap_or(name);
    let is_glob = id.contains(['*', '?', '[', '{']);
    let selection = Selection::new(&[id.to_owned()]).map_err(Failure::usage)?;
    let matches = |name: &str| match is_glob {
        true => selection.matches(name, name),
        false => id == name,
    };
    let cases = catalog.cases().iter().filter(|case| matches(&case.id));
    let rules = RULES.iter().filter(|rule| matches(&named(rule)));
    let mut items: Vec<Item<'a>> = cases
        .map(|case| Item::Case(case))
        .chain(rules.map(Item::Rule))
        .collect();
    if items.is_empty() || !is_glob {
        let requirements = catalog.requirements.values();
        let requirements = requirements.filter(|requirement| matches(&requirement.id));
        items.extend(requirements.map(Item::Requirement));
    }
    if !items.is_empty() {
        return Ok(items);
    }
    let rules: Vec<String> = RULES.iter().map(named).collect();
    let cases = catalog.cases().iter().map(|case| &*case.id);
    let names = cases
        .chain(rules.iter().map(String::as_str))
        .chain(catalog.requirements.keys().map(String::as_str));
    let near = did_you_mean(&near(id, names));
    Err(Failure::usage(format!(
        "there is no case, rule or requirement {id:?}{near}; `mcp-conform cases list` shows the cases"
    )))
}

fn named(rule: &Rule) -> String {
    format!("rule/{}", rule.name)
}

fn write_case(page: &mut Page, case: &Case, catalog: &Catalog) {
    page.title(&case.id, "case");
    page.text(2, &case.title);
    if let Some(why) = &case.why {
        page.heading("Why");
        page.text(2, why);
    }
    page.heading("When");
    page.text(2, &place(case));
    if !case.needs.is_empty() {
        page.labelled(2, "needs", &case.needs.join(", "));
    }
    if !case.client.is_empty() {
        let client = serde_json::Value::from(case.client.clone());
        page.labelled(2, "declares", &client.to_string());
    }
    page.heading("What happens");
    steps::write(page, &case.steps);
    let last = case.steps.last().map(|step| &step.action);
    if case.is_hostile() && !matches!(last, Some(Action::Alive)) {
        page.text(2, "At the end a valid request must be answered.");
    }
    let cited = case.requirements.iter().map(String::as_str);
    requirements(page, cited, catalog, |revision| {
        case.revisions.contains(revision)
    });
    let cited = case.requirements.iter().map(String::as_str);
    hints(page, &case.hints, cited, catalog);
    faults(page, case.faults.iter().map(String::as_str));
}

fn write_rule(page: &mut Page, rule: &Rule, catalog: &Catalog) {
    page.title(&named(rule), "rule");
    page.text(2, rule.title);
    page.heading("Why");
    page.text(2, rule.why);
    page.heading("When");
    page.text(2, &seen_by(rule));
    let cited = rule.requirements.iter().copied();
    let looks_at = |revision| {
        Transport::ALL
            .iter()
            .any(|over| looks(rule, revision, *over))
    };
    requirements(page, cited.clone(), catalog, looks_at);
    hints(page, &[], cited, catalog);
    faults(page, rule.faults.iter().copied());
}

fn looks(rule: &Rule, revision: Revision, transport: Transport) -> bool {
    transport.carries(revision) && (rule.applies)(revision, transport)
}

/// Which sessions a rule looks at, in one sentence.
fn seen_by(rule: &Rule) -> String {
    let revisions = Revision::ALL.iter().copied().filter(|revision| {
        let mut transports = Transport::ALL.into_iter();
        transports.any(|transport| looks(rule, *revision, transport))
    });
    let transports = Transport::ALL.into_iter().filter(|transport| {
        let mut revisions = Revision::ALL.iter();
        revisions.any(|revision| looks(rule, *revision, *transport))
    });
    let transports: Vec<&str> = transports.map(|transport| transport.as_str()).collect();
    format!(
        "In every session at {}, over {}, whatever is tested in it.",
        listed(revisions),
        transports.join(", ")
    )
}

fn write_requirement(page: &mut Page, requirement: &Requirement, catalog: &Catalog) {
    let id = requirement.id.as_str();
    page.title(id, "requirement");
    page.text(2, &requirement.text);
    page.heading("Whom it binds");
    page.text(2, &binds(requirement));
    levels(page, 2, requirement, |_| true);
    page.heading("Who tests it");
    let mut nobody = true;
    for case in catalog.cases().iter().filter(|case| cites(case, id)) {
        page.lead(2, &format!("{}:", case.id), &case.title);
        nobody = false;
    }
    for rule in RULES.iter().filter(|rule| rule.requirements.contains(&id)) {
        page.lead(2, &format!("{}:", named(rule)), rule.title);
        nobody = false;
    }
    if nobody {
        page.text(2, &untested(requirement));
    }
    hints(page, &requirement.hints, [], catalog);
    let broken = mcp_reference_server::faults().iter();
    let broken = broken.filter(|fault| fault.requirement == id);
    faults(page, broken.map(|fault| fault.name));
}

fn cites(case: &Case, id: &str) -> bool {
    case.requirements.iter().any(|cited| cited == id)
}

fn untested(requirement: &Requirement) -> String {
    match (&requirement.untested, requirement.party) {
        (Some(reason), _) => format!("Nobody can: {reason}"),
        (None, Party::Client) => "Nobody yet: it binds clients.".to_owned(),
        (None, _) => "Nobody yet.".to_owned(),
    }
}

fn binds(requirement: &Requirement) -> String {
    let party = match requirement.party {
        Party::Server => "Servers",
        Party::Client => "Clients",
        Party::Both => "Servers and clients",
    };
    let over = over(requirement.transport);
    match requirement.when.is_empty() {
        true => format!("{party}, {over}."),
        false => format!("{party}, {over}, if {}.", requirement.when.join(", ")),
    }
}

fn over(concern: Concern) -> &'static str {
    match concern {
        Concern::Any => "over every transport",
        Concern::Stdio => "over stdio",
        Concern::Http => "over HTTP",
        Concern::Sse => "over HTTP+SSE",
    }
}

/// Where a case runs, in one sentence.
fn place(case: &Case) -> String {
    let revisions = match case.revisions.to_string().as_str() {
        "all" => "At every revision".to_owned(),
        range @ ("legacy" | "modern") => format!("At {range} revisions"),
        _ => format!("At {}", listed(case.revisions.iter())),
    };
    let over = case.transports.as_ref().map_or_else(
        || "every transport".to_owned(),
        |transports| {
            let names: Vec<&str> = transports.iter().map(|name| name.as_str()).collect();
            names.join(", ")
        },
    );
    let session = match case.session {
        SessionKind::Shared => "in a session that it shares with other cases",
        SessionKind::Fresh => "in a session of its own",
        SessionKind::Unopened => "in a session of its own that the steps open",
    };
    let once = match case.once {
        true => "; only at the newest revision of each era that the server speaks",
        false => "",
    };
    format!("{revisions}, over {over}, {session}{once}.")
}

fn requirements<'a>(
    page: &mut Page,
    ids: impl IntoIterator<Item = &'a str>,
    catalog: &Catalog,
    runs_at: impl Fn(Revision) -> bool,
) {
    page.heading("Requirements");
    for id in ids {
        let Some(requirement) = catalog.requirement(id) else {
            page.lead(2, &format!("{id}:"), "not in the catalog");
            continue;
        };
        page.lead(2, &format!("{id}:"), &requirement.text);
        if !requirement.when.is_empty() {
            page.labelled(4, "if", &requirement.when.join(", "));
        }
        levels(page, 4, requirement, &runs_at);
    }
}

/// One line for revisions that have the same level on the same page, and the link of the newest of them.
fn levels(
    page: &mut Page,
    indent: usize,
    requirement: &Requirement,
    runs_at: impl Fn(Revision) -> bool,
) {
    let mut groups: Vec<(&Clause, Vec<Revision>)> = Vec::new();
    for (revision, clause) in &requirement.levels {
        match groups.last_mut() {
            _ if !runs_at(*revision) => {}
            Some((last, revisions)) if *last == clause => revisions.push(*revision),
            _ => groups.push((clause, vec![*revision])),
        }
    }
    for (clause, revisions) in groups {
        let Some(newest) = revisions.last() else {
            continue;
        };
        let at = listed(revisions.iter().copied());
        let text = format!("{at} {}", clause.url(*newest));
        page.labelled(indent, clause.level.as_str(), &text);
    }
}

/// `2025-11-25`, or `2024-11-05 to 2025-11-25` where none between them is missing.
fn listed(revisions: impl Iterator<Item = Revision>) -> String {
    let revisions: Vec<Revision> = revisions.collect();
    let all = Revision::ALL.iter().copied();
    match revisions.as_slice() {
        [first, .., last]
            if all
                .filter(|revision| (first..=last).contains(&revision))
                .eq(revisions.iter().copied()) =>
        {
            format!("{first} to {last}")
        }
        few => {
            let few: Vec<&str> = few.iter().map(|revision| revision.as_str()).collect();
            few.join(", ")
        }
    }
}

fn hints<'a>(
    page: &mut Page,
    own: &[Hint],
    ids: impl IntoIterator<Item = &'a str>,
    catalog: &Catalog,
) {
    let cited = ids
        .into_iter()
        .filter_map(|id| catalog.requirement(id))
        .flat_map(|requirement| &requirement.hints);
    let all: Vec<&Hint> = own.iter().chain(cited).collect();
    if all.is_empty() {
        return;
    }
    page.heading("If it fails");
    for hint in all {
        page.text(2, &hint.text);
        if let Some(seen) = &hint.seen {
            let seen = match words::answer(seen) {
                silence if silence == "null" => "no answer".to_owned(),
                words => words,
            };
            page.labelled(4, "seen", &seen);
        }
        if let Some(concern) = hint.transport {
            page.labelled(4, "where", over(concern));
        }
    }
}

fn faults<'a>(page: &mut Page, names: impl IntoIterator<Item = &'a str>) {
    let mut names = names.into_iter().peekable();
    if names.peek().is_none() {
        return;
    }
    page.heading("Proof: faults of the reference server that this finds");
    for name in names {
        let fault = mcp_reference_server::faults()
            .iter()
            .find(|fault| fault.name == name);
        let explanation = fault.map_or("not a fault of the reference server", |fault| {
            fault.explanation
        });
        page.lead(2, &format!("{name}:"), explanation);
    }
}
