//! Dates after a `strftime`-like template.

use std::fmt::Write as _;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const DAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

/// A moment as the machine's clock on the wall shows it, after a template ([`Civil::format`]).
pub(crate) fn local_time(time: SystemTime, template: &str) -> String {
    let mut text = String::new();
    Civil::new(time, crate::daemon::local_offset(time)).format(template, &mut text);
    text
}

/// A moment, split into the fields of the civil calendar.
pub(super) struct Civil {
    year: i64,
    month: u32,
    day: u32,
    hour: u32,
    minute: u32,
    second: u32,
    weekday: usize,
    yearday: u32,
    millis: u32,
    epoch: i64,
    offset: i64,
}

impl Civil {
    /// Splits `time`, which is shown `offset` seconds east of UTC.
    pub(super) fn new(time: SystemTime, offset: i64) -> Civil {
        let since = time.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
        let epoch = i64::try_from(since.as_secs()).unwrap_or(i64::MAX / 2);
        let local = epoch + offset;
        let (days, rest) = (local.div_euclid(86_400), local.rem_euclid(86_400));
        let (year, month, day) = civil_from_days(days);
        let first = days_from_civil(year, 1, 1);
        Civil {
            year,
            month,
            day,
            hour: (rest / 3600) as u32,
            minute: (rest / 60 % 60) as u32,
            second: (rest % 60) as u32,
            weekday: (days + 4).rem_euclid(7) as usize,
            yearday: (days - first + 1) as u32,
            millis: since.subsec_millis(),
            epoch,
            offset,
        }
    }

    /// Formats after `template`; each run of `#` becomes that many digits of the fraction (zeros after the third).
    pub(super) fn format(&self, template: &str, out: &mut String) {
        let mut chars = template.chars().peekable();
        while let Some(c) = chars.next() {
            match c {
                '#' => {
                    let mut digits = 1;
                    while chars.next_if_eq(&'#').is_some() {
                        digits += 1;
                    }
                    let fraction = format!("{:03}", self.millis);
                    out.extend(fraction.chars().chain(std::iter::repeat('0')).take(digits));
                }
                '%' => match chars.next() {
                    Some(field) => self.field(field, out),
                    None => out.push('%'),
                },
                c => out.push(c),
            }
        }
    }

    /// The default stamp of log files, made without allocation.
    pub(super) fn stamp(&self) -> impl std::fmt::Display + use<'_> {
        let Civil { year, month, day, hour, minute, second, millis, .. } = *self;
        std::fmt::from_fn(move |f| {
            write!(f, "{year}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millis:03}Z")
        })
    }

    fn field(&self, field: char, out: &mut String) {
        let twelve = (self.hour + 11) % 12 + 1;
        let (month, weekday) = (MONTHS[self.month as usize - 1], DAYS[self.weekday]);
        // Writing to a String cannot fail.
        let _ = match field {
            'Y' => write!(out, "{}", self.year),
            'C' => write!(out, "{:02}", self.year.div_euclid(100)),
            'y' => write!(out, "{:02}", self.year.rem_euclid(100)),
            'm' => write!(out, "{:02}", self.month),
            'd' => write!(out, "{:02}", self.day),
            'e' => write!(out, "{:2}", self.day),
            'j' => write!(out, "{:03}", self.yearday),
            'H' => write!(out, "{:02}", self.hour),
            'k' => write!(out, "{:2}", self.hour),
            'I' => write!(out, "{twelve:02}"),
            'l' => write!(out, "{twelve:2}"),
            'M' => write!(out, "{:02}", self.minute),
            'S' => write!(out, "{:02}", self.second),
            'p' => write!(out, "{}", if self.hour < 12 { "AM" } else { "PM" }),
            's' => write!(out, "{}", self.epoch),
            'b' | 'h' => write!(out, "{}", &month[..3]),
            'B' => write!(out, "{month}"),
            'a' => write!(out, "{}", &weekday[..3]),
            'A' => write!(out, "{weekday}"),
            'u' => write!(out, "{}", (self.weekday + 6) % 7 + 1),
            'w' => write!(out, "{}", self.weekday),
            'T' => write!(out, "{:02}:{:02}:{:02}", self.hour, self.minute, self.second),
            'R' => write!(out, "{:02}:{:02}", self.hour, self.minute),
            'F' => write!(out, "{}-{:02}-{:02}", self.year, self.month, self.day),
            'D' => write!(out, "{:02}/{:02}/{:02}", self.month, self.day, self.year.rem_euclid(100)),
            'z' => {
                let (sign, minutes) =
                    if self.offset < 0 { ('-', -self.offset / 60) } else { ('+', self.offset / 60) };
                write!(out, "{sign}{:02}{:02}", minutes / 60, minutes % 60)
            }
            'n' => writeln!(out),
            't' => write!(out, "\t"),
            '%' => write!(out, "%"),
            other => write!(out, "%{other}"),
        };
    }
}

/// Days since 1970-01-01 of a date in the proleptic Gregorian calendar.
fn days_from_civil(year: i64, month: u32, day: u32) -> i64 {
    // Years begin in March, so that the leap day is the last of its year.
    let y = if month <= 2 { year - 1 } else { year };
    let era = y.div_euclid(400);
    let of_era = y.rem_euclid(400);
    let of_year = i64::from((153 * ((month + 9) % 12) + 2) / 5 + day - 1);
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// The inverse of [`days_from_civil`].
fn civil_from_days(days: i64) -> (i64, u32, u32) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month as u32, day as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn show(epoch: u64, millis: u64, offset: i64, template: &str) -> String {
        let mut out = String::new();
        let time = UNIX_EPOCH + Duration::from_secs(epoch) + Duration::from_millis(millis);
        Civil::new(time, offset).format(template, &mut out);
        out
    }

    #[test]
    fn dates_of_all_kinds() {
        assert_eq!(show(0, 0, 0, "%Y-%m-%dT%H:%M:%S.###Z"), "1970-01-01T00:00:00.000Z");
        assert_eq!(show(1_769_860_800, 123, 0, "%Y-%m-%dT%H:%M:%S.###Z"), "2026-01-31T12:00:00.123Z");
        assert_eq!(show(951_782_400, 0, 0, "%F %a %j"), "2000-02-29 Tue 060");
        assert_eq!(show(951_868_800, 5, -3600, "%h %e %T %z .#####"), "Feb 29 23:00:00 -0100 .00500");
        assert_eq!(show(0, 0, 0, "%Q%"), "%Q%");
    }

    #[test]
    fn days_and_back() {
        for days in (-800_000..800_000).step_by(97) {
            let (y, m, d) = civil_from_days(days);
            assert_eq!(days_from_civil(y, m, d), days);
        }
    }
}
