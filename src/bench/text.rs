//! Figures as people read them.

use std::time::Duration;

/// `5 s`, `12 min 30 s`, `6 h 15 min`.
pub fn time(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 if seconds.is_multiple_of(60) => format!("{} min", seconds / 60),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3600, seconds / 60 % 60),
    }
}

/// `49,563`; `8.25` where that is all there is.
pub fn count(number: f64) -> String {
    if number < 100.0 {
        return format!("{number:.2}");
    }
    grouped(&format!("{number:.0}"))
}

/// `1,024`, of the digits of a whole number.
pub fn grouped(digits: &str) -> String {
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Microseconds: `870 µs`, `1.25 ms`, `2.10 s`.
pub fn latency(us: f64) -> String {
    match us {
        us if us < 1000.0 => format!("{us:.0} µs"),
        us if us < 1e6 => format!("{} ms", significant(us / 1e3)),
        us => format!("{} s", significant(us / 1e6)),
    }
}

/// CPU time of a request, in microseconds: `14.8 µs`, `1.25 ms`.
pub fn cpu(us: f64) -> String {
    match us {
        us if us < 1000.0 => format!("{us:.1} µs"),
        us => latency(us),
    }
}

/// `1 run`, `1,350 runs`.
pub fn several(number: usize, what: &str) -> String {
    match number {
        1 => format!("1 {what}"),
        many => format!("{} {what}s", grouped(&many.to_string())),
    }
}

/// `5.3 MiB`.
pub fn memory(bytes: f64) -> String {
    format!("{:.1} MiB", bytes / f64::from(1 << 20))
}

/// `1.93×`, `12.4×`.
pub fn ratio(ratio: f64) -> String {
    format!("{}×", significant(ratio))
}

/// Three digits.
fn significant(number: f64) -> String {
    match number {
        n if n < 10.0 => format!("{n:.2}"),
        n if n < 100.0 => format!("{n:.1}"),
        n => format!("{n:.0}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_readable() {
        let times = [5, 60, 750, 3600, 22_530].map(|s| time(Duration::from_secs(s)));
        assert_eq!(
            times,
            ["5 s", "1 min", "12 min 30 s", "1 h 0 min", "6 h 15 min"]
        );
        assert_eq!(
            [8.25, 123.4, 49_563.2, 1_234_567.0].map(count),
            ["8.25", "123", "49,563", "1,234,567"]
        );
        assert_eq!(
            [87.2, 1250.0, 45_600.0, 2_100_000.0].map(latency),
            ["87 µs", "1.25 ms", "45.6 ms", "2.10 s"]
        );
        assert_eq!([14.83, 1250.0].map(cpu), ["14.8 µs", "1.25 ms"]);
        assert_eq!(
            [1, 1350].map(|runs| several(runs, "run")),
            ["1 run", "1,350 runs"]
        );
        assert_eq!(memory(5.5 * 1024.0 * 1024.0), "5.5 MiB");
        assert_eq!([1.934, 12.36, 134.2].map(ratio), ["1.93×", "12.4×", "134×"]);
    }
}
