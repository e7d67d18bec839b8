// PreloadProgress: how far a preload is, and how that is said.

struct PreloadProgress: Equatable {
    /// The count is done, the copying has begun.
    var isCounted = false
    /// What the count before the copying found.
    var filesExpected = 0
    var bytesExpected = 0
    /// What is done: files and symlinks, bytes of files.
    var files = 0
    var bytes = 0
    /// Names that were in the tree already and stayed as they were.
    var kept = 0
    /// What could not be read or is no file, directory or symlink.
    var leftOut = 0
    var seconds = 0.0

    /// Bytes a second; nil before there is something to tell it from.
    var bytesPerSecond: Double? { seconds > 0.05 && bytes > 0 ? Double(bytes) / seconds : nil }

    /// Seconds that the rest will take at this rate.
    var secondsLeft: Double? {
        bytesPerSecond.map { Double(max(0, bytesExpected - bytes)) / $0 }
    }

    /// `120 of 4544 files, 3.1 of 128.0 MiB, 88.2 MiB/s, 2 s left`
    var text: String {
        if !isCounted { return "counting: \(filesExpected) files" }
        var result =
            "\(files) of \(filesExpected) files, \(Self.mebibytes(bytes)) of \(Self.mebibytes(bytesExpected)) MiB"
        if let bytesPerSecond, let secondsLeft {
            result += ", \(Self.mebibytes(Int(bytesPerSecond))) MiB/s, \(Self.duration(secondsLeft)) left"
        }
        return result
    }

    /// `4544 files, 128.0 MiB in 1.5 s; 3 were there already; 2 left out`
    var summary: String {
        var result = "\(files) files, \(Self.mebibytes(bytes)) MiB in \(Self.tenths(seconds)) s"
        if kept > 0 { result += "; \(kept) were there already" }
        if leftOut > 0 { result += "; \(leftOut) left out" }
        return result
    }

    static func mebibytes(_ bytes: Int) -> String { tenths(Double(bytes) / 1_048_576) }

    private static func tenths(_ value: Double) -> String {
        let count = Int((value * 10).rounded())
        return "\(count / 10).\(count % 10)"
    }

    /// `75 s`, `12 min`, `2 h 5 min`
    static func duration(_ seconds: Double) -> String {
        let whole = Int(min(seconds, 1e9).rounded(.up))
        if whole < 120 { return "\(whole) s" }
        let minutes = whole / 60
        return minutes < 120 ? "\(minutes) min" : "\(minutes / 60) h \(minutes % 60) min"
    }
}
