//! What datapaths can do, and taking some of it away: `dpif/show-dp-features`, `dpif/set-dp-features`.

use std::fmt::Write as _;

use ovs_db::unixctl::Request;
use ovs_dpif::{Feature, FeatureError, FeatureValue};

use super::super::Vswitchd;
use super::ofproto::find;
use super::{Answer, Command, done, fail};

/// `dpif/show-dp-features`.
pub fn show(switchd: &mut Vswitchd, request: &Request<Command>) -> Answer {
    let Some(datapath) = request.args.first().and_then(|bridge| find(switchd, bridge)) else {
        return fail("no such bridge");
    };
    let mut text = String::new();
    for feature in datapath.switch.features().list() {
        if let Some(title) = feature.title {
            // Writing to a string does not fail.
            let _ = writeln!(text, "{title}: {}", feature.value);
        }
    }
    done(text)
}

/// `dpif/set-dp-features`: all features with what they are and were, or one, or another value for one. As in the original,
/// what is wrong with a value is an answer and no error.
pub fn set(switchd: &mut Vswitchd, request: &Request<Command>) -> Answer {
    let Some(datapath) = request.args.first().and_then(|bridge| find(switchd, bridge)) else {
        return fail("no such bridge");
    };
    let name = request.args.get(1).map(String::as_str);
    let boot = datapath.switch.dpif().features();
    let Some(value) = request.args.get(2) else {
        let mut text = String::new();
        for (now, boot) in datapath.switch.features().list().zip(boot.list()) {
            if name.is_none_or(|name| name == now.capability) {
                line(&mut text, now, boot);
            }
        }
        return done(if text.is_empty() { UNKNOWN.to_owned() } else { text });
    };
    let name = name.unwrap_or_default();
    let Some(feature) = boot.list().find(|feature| feature.capability == name) else { return done(UNKNOWN) };
    let value = match (feature.value, value) {
        (FeatureValue::Flag(_), text) if text.eq_ignore_ascii_case("true") => FeatureValue::Flag(true),
        (FeatureValue::Flag(_), text) if text.eq_ignore_ascii_case("false") => FeatureValue::Flag(false),
        (FeatureValue::Flag(_), _) => return done("Boolean value expected"),
        (FeatureValue::Count(_), text) => match text.parse::<i64>() {
            Ok(count) => match usize::try_from(count) {
                Ok(count) => FeatureValue::Count(count),
                Err(_) => return done("Negative number not expected"),
            },
            Err(_) => return done("Integer number expected"),
        },
    };
    done(match datapath.switch.set_feature(name, value) {
        Ok(()) => "",
        Err(FeatureError::Beyond) => "Can not set value beyond the datapath capability",
        Err(_) => UNKNOWN,
    })
}

const UNKNOWN: &str = "Unexpected support field";

fn line(text: &mut String, now: Feature, boot: Feature) {
    let value = |feature: Feature| match feature.value {
        FeatureValue::Flag(there) => there.to_string(),
        FeatureValue::Count(count) => count.to_string(),
    };
    if let Some(title) = now.title {
        // Writing to a string does not fail.
        let _ = writeln!(
            text,
            "{} ({title}) : [run time]:{}, [boot time]:{}",
            now.capability,
            value(now),
            value(boot)
        );
    }
}
