//! What a server uses: CPU time per request, and memory.

use super::bars::{Amount, Bar, Bars};
use super::parts::caption;
use super::subject::Subject;
use crate::bench::analysis::{Cpu, Figures};
use crate::bench::text::{cpu, memory};
use crate::markup::{Element, element};

/// Both figures, beside each other.
pub(super) fn figures(subject: &Subject<'_>) -> Element {
    let place = subject.where_busiest();
    let key = |class: &'static str, name: &'static str| {
        let sample = element("svg")
            .class("key ours")
            .set("viewBox", "0 0 16 26")
            .set("aria-hidden", "true")
            .with(
                element("rect")
                    .class(class)
                    .set("y", "6")
                    .set("width", "14")
                    .set("height", "14"),
            );
        element("li").with(sample).text(name)
    };
    let keys = element("ul")
        .class("legend")
        .with(key("part-0", "user: the program"))
        .with(key("part-1", "system: the kernel for it"));
    let cpu = element("figure")
        .with(caption(
            "CPU per request",
            format!("{place}, less is better"),
        ))
        .with(bars(subject, "CPU per request", cpu_amount))
        .with(keys);
    let memory = element("figure")
        .with(caption("Memory", format!("{place}, less is better")))
        .with(bars(subject, "memory", memory_amount));
    element("div").class("pair").with(cpu).with(memory)
}

fn bars(
    subject: &Subject<'_>,
    unit: &'static str,
    amount: fn(&Figures) -> Option<Amount>,
) -> Element {
    let servers = subject.servers.iter().enumerate();
    let bars = servers.map(|(server, series)| Bar {
        series,
        amount: subject.at_busiest(server).and_then(amount),
        note: String::new(),
    });
    let bars = Bars {
        class: "wide",
        caption: format!("{unit} on {} {}", subject.name(), subject.where_busiest()),
        unit,
        note: None,
        bars: bars.collect(),
    };
    bars.table()
}

fn cpu_amount(figures: &Figures) -> Option<Amount> {
    let Cpu {
        all_us: all,
        user_us,
        system_us,
    } = figures.cpu?;
    Some(Amount {
        parts: vec![user_us, system_us],
        range: (all.p25, all.p75),
        text: cpu(all.median),
    })
}

fn memory_amount(figures: &Figures) -> Option<Amount> {
    let pss = figures.pss_bytes?;
    Some(Amount {
        parts: vec![pss.median],
        range: (pss.p25, pss.p75),
        text: memory(pss.median),
    })
}
