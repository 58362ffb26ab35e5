//! Audiences whose members get what another audience gets.

use std::fs;

use crate::support::{CLOCK, Lab, Ran, svp};

fn lab() -> Lab {
    let lab = Lab::new(&["police_rms"], "opcc_2020", &["hotspot_grid_250m", "by_district"]);
    let condition = "offence_code IN ('1', '2', '5D')";
    let all = "offence_group IN ('homicide', 'violence_with_injury')";
    lab.edit("pipelines/definitions/opcc_2020.toml", condition, all);
    for month in ["2024-04", "2024-05", "2024-06", "2024-07"] {
        lab.give(&format!("police_rms/rms_crimes_{month}.csv"));
    }
    lab
}

fn release(lab: &Lab, audience: &str) -> Ran {
    svp(["--site"])
        .arg(lab.site())
        .args(["run", "--area", "wessmark", "--clock", CLOCK, "--audience", audience, "--lake"])
        .arg(lab.lake())
        .arg("--key")
        .arg(lab.key())
        .run()
        .good()
}

fn attack(lab: &Lab, audience: &str) -> String {
    svp(["--site"])
        .arg(lab.site())
        .args(["disclose", "--attack", "--area", "wessmark", "--audience", audience, "--lake"])
        .arg(lab.lake())
        .run()
        .stdout
}

/// The police have a map with marks; what the partnership gets after it tells them nothing of what is marked.
#[test]
fn what_one_audience_gets_is_safe_beside_what_the_other_has() {
    let lab = lab();
    release(&lab, "police");
    let told = release(&lab, "partner").stderr;
    assert!(told.contains("`police`, who hold"), "{told}");
    let found = attack(&lab, "police");
    assert!(found.contains("`police` and `partner`") && found.contains("nothing can be bounded"), "{found}");
    assert!(attack(&lab, "partner").contains("nothing can be bounded"));

    // The same two releases, decided each by itself, give marks away: the attack sees it once the policy says who reads what.
    let blind = self::lab();
    blind.edit("pipelines/policies/police.toml", "reads = [\"partner\"]\n", "");
    release(&blind, "police");
    release(&blind, "partner");
    assert!(attack(&blind, "police").contains("nothing can be bounded"));
    let policy = blind.site().join("pipelines/policies/police.toml");
    let text = fs::read_to_string(&policy).unwrap();
    fs::write(&policy, text.replace("on_difference", "reads = [\"partner\"]\non_difference")).unwrap();
    let found = attack(&blind, "police");
    assert!(found.contains("BROKEN"), "{found}");
}

#[test]
fn a_circle_of_readers_is_refused() {
    let lab = lab();
    lab.edit("pipelines/policies/partner.toml", "on_difference", "reads = [\"police\"]\non_difference");
    lab.check().run().ended(3).says(&["partner.toml", "police reads partner reads police", "hint:"]);
    lab.edit("pipelines/policies/partner.toml", "reads = [\"police\"]", "reads = [\"polise\"]");
    lab.check().run().ended(3).says(&["there is no audience `polise`", "did you mean `police`"]);
}
