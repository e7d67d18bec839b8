// Figures as Prometheus reads them: names, types, units, and what is left out.
import Testing

@testable import MemStore

@Suite struct PrometheusTextTests {
    private func page(_ metric: Metric, _ value: MetricValue) -> String {
        PrometheusText.page([MetricSample(metric, value)])
    }

    @Test("a counter ends in _total, and its help stands on one line")
    func counter() {
        let text = page(Metric("get_hits", .counter, .none, .port, "Keys \\ that\nwere there."), .number(7))
        #expect(
            text == """
                # HELP memfisd_get_hits_total Keys \\\\ that\\nwere there.
                # TYPE memfisd_get_hits_total counter
                memfisd_get_hits_total 7

                """)
    }

    @Test("a unit stands once, at the end of the name, and times are seconds")
    func units() {
        let bytes = Metric("file_bytes", .gauge, .bytes, .store, "Bytes.")
        #expect(page(bytes, .number(1 << 40)).hasSuffix("\nmemfisd_file_bytes 1099511627776\n"))
        let slice = Metric("slice_us_max", .gauge, .microseconds, .store, "The longest.")
        #expect(page(slice, .number(1500)).hasSuffix("\nmemfisd_slice_us_max_seconds 0.0015\n"))
        let read = Metric("bytes_read", .counter, .bytes, .port, "Bytes.")
        #expect(PrometheusText.name(of: read) == "memfisd_bytes_read_bytes_total")
    }

    @Test("words are no figures")
    func words() {
        #expect(page(Metric("version", .word, .none, .process, "The version."), .text("1")) == "")
        #expect(page(Metric("pid", .word, .none, .process, "The process."), .number(1)) == "")
    }

    @Test("a figure that is not there has no sample")
    func absent() {
        let metric = Metric("answer", .gauge, .none, .store, "An answer.")
        let source = MetricSource<Int>(metric, if: { $0 > 40 }, number: { UInt64($0) })
        #expect(source.sample(42) == MetricSample(metric, .number(42)) && source.sample(2) == nil)
    }
}
