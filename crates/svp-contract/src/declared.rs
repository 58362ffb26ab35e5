//! What the headers of a site's outputs declare of sums, and what is wrong with it.

use std::collections::{BTreeMap, BTreeSet};

use crate::{NumberOf, Output, Problem, Tie, Whole, nearest};

/// The number that a header means: of the output's own events where it does not say of which.
fn whole(number: &NumberOf, output: &Output) -> Whole {
    let universe = number.universe.clone().unwrap_or_else(|| output.universe.clone());
    Whole { measure: number.measure.clone(), universe, at: number.at.clone() }
}

impl Output {
    /// What its header declares of sums: a tie for each `same_as`, and one for each number that counts add up to.
    #[must_use]
    pub fn ties(&self) -> Vec<Tie> {
        let mut sums: BTreeMap<Whole, BTreeSet<String>> = BTreeMap::new();
        let mut out = Vec::new();
        for count in &self.counts {
            let measure = count.measured().to_owned();
            for number in &count.same_as {
                let (universe, whole) = (self.universe.clone(), whole(number, self));
                out.push(Tie { parts: vec![measure.clone()], universe, whole });
            }
            for number in &count.adds_to {
                sums.entry(whole(number, self)).or_default().insert(measure.clone());
            }
        }
        let tie = |(whole, parts): (Whole, BTreeSet<String>)| Tie {
            parts: parts.into_iter().collect(),
            universe: self.universe.clone(),
            whole,
        };
        out.extend(sums.into_iter().map(tie));
        out
    }
}

/// Declared sums that no table can be held to: one of a misspelt number would protect nobody and say nothing.
#[must_use]
pub fn tie_problems<'o>(outputs: impl Iterator<Item = (&'o str, &'o Output)> + Clone) -> Vec<Problem> {
    let counted: BTreeSet<(String, String)> = outputs
        .clone()
        .flat_map(|(_, o)| o.counts.iter().map(move |c| (c.measured().to_owned(), o.universe.clone())))
        .collect();
    let mut problems = Vec::new();
    for (file, output) in outputs {
        for tie in output.ties() {
            let Whole { measure, universe, at } = &tie.whole;
            if tie.parts.contains(measure) && tie.universe == *universe && at.is_empty() {
                let what = format!("the count `{measure}` is declared to add up to itself");
                problems.push(Problem::new(file, what).hint("`adds_to` and `same_as` name another number"));
            }
            if at.values().any(Vec::is_empty) {
                let what = format!("`at` of `{measure}` names a dimension without a member");
                problems.push(Problem::new(file, what).hint("write at = { agency = \"health\" }"));
            }
            // A site may have taken an output out: then nothing can be subtracted from its numbers.
            let known = counted.iter().filter(|(_, u)| u == universe).map(|(m, _)| m.as_str());
            if !counted.contains(&(measure.clone(), universe.clone()))
                && let Some(near) = nearest(measure, known)
            {
                let what = format!("no output of this site counts `{measure}` of `{universe}`");
                problems.push(Problem::new(file, what).hint(format!("did you mean the measure `{near}`?")));
            }
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    fn output(counts: &str) -> Output {
        let header = format!(
            "name = 'x'\ntitle = 'X'\ndescription = ''\nreads = []\ngrain = []\naudiences = []\nnot_available = ''\ncounts = [{counts}]"
        );
        let header: String = header.lines().map(|l| format!("--! {l}\n")).collect();
        Output::parse("x.sql", &(header + "SELECT 1")).unwrap()
    }

    #[test]
    fn counts_that_add_to_one_number_are_one_tie() {
        let ties = output(
            "{ name = 'police', title = 'P', adds_to = 'events', same_as = { measure = 'events', at = { agency = 'police' } } },
             { name = 'health', title = 'H', adds_to = ['events'] }",
        )
        .ties();
        assert_eq!(ties.len(), 2);
        assert_eq!(
            (&ties[0].parts[..], &ties[0].whole.at["agency"][..]),
            (&["police".into()][..], &["police".into()][..])
        );
        assert_eq!(
            (&ties[1].parts[..], ties[1].whole.measure.as_str()),
            (&["health".into(), "police".into()][..], "events")
        );
        assert_eq!(ties[1].whole.universe, "serious_violence");
    }

    #[test]
    fn a_sum_of_nothing_is_refused_with_the_nearest_name() {
        let events = output("{ name = 'events', title = 'E' }");
        let misspelt = output("{ name = 'police', title = 'P', adds_to = 'event' }");
        let itself = output("{ name = 'events', title = 'E', same_as = 'events' }");
        let problems = tie_problems([("a", &events), ("b", &misspelt), ("c", &itself)].into_iter());
        let said: Vec<String> = problems.iter().map(|p| format!("{} {:?}", p.what, p.hint)).collect();
        assert_eq!(problems.len(), 2, "{said:?}");
        assert!(said[0].contains("`event` of") && said[0].contains("`events`"), "{said:?}");
        assert!(said[1].contains("itself"), "{said:?}");
    }
}
