// HostText: strings for what the host calls its files. Names there are bytes that need not be UTF-8, and words of a command line,
// variables and lines of a file carry them. A byte that is no part of valid UTF-8 stands as a scalar of its own in the string,
// and becomes that byte again where the string goes back to the system.

extension String {
    /// What stands for the bytes 0x80 to 0xff: scalars that nobody else is to use. Bytes that spell one of them are taken one by
    /// one, as if they were not valid.
    private static let bytesOnTheirOwn = Unicode.Scalar(0x10fe80 as UInt32)!...Unicode.Scalar(0x10feff as UInt32)!

    /// The text of some bytes, from which `hostBytes` makes the same bytes.
    public init(hostBytes bytes: some Sequence<UInt8>) {
        let bytes = Array(bytes)
        self = ""
        if let text = Self.valid(bytes[...]) {
            self = text
            return
        }
        var rest = bytes[...]
        while let byte = rest.first {
            // A scalar has one to four bytes.
            if let scalar = (1...4).lazy.compactMap({ $0 <= rest.count ? Self.valid(rest.prefix($0)) : nil }).first {
                self += scalar
                rest.removeFirst(scalar.utf8.count)
            } else {
                unicodeScalars.append(Unicode.Scalar(0x10fe00 + UInt32(byte))!)
                rest.removeFirst()
            }
        }
    }

    private static func valid(_ bytes: ArraySlice<UInt8>) -> String? {
        guard let text = String(validating: bytes, as: UTF8.self),
            !text.unicodeScalars.contains(where: bytesOnTheirOwn.contains)
        else { return nil }
        return text
    }

    /// The text of a C string.
    public init(hostText: UnsafePointer<CChar>) {
        var count = 0
        while unsafe hostText[count] != 0 { count += 1 }
        self.init(hostBytes: unsafe UnsafeBufferPointer(start: hostText, count: count).map { UInt8(bitPattern: $0) })
    }

    /// The bytes that it stands for.
    public var hostBytes: [UInt8] {
        guard unicodeScalars.contains(where: Self.bytesOnTheirOwn.contains) else { return Array(utf8) }
        return unicodeScalars.flatMap {
            Self.bytesOnTheirOwn.contains($0) ? [UInt8(truncatingIfNeeded: $0.value)] : Array(UTF8.encode($0)!)
        }
    }

    /// The bytes for C, with a NUL at the end.
    public var hostPath: [CChar] { hostBytes.map { CChar(bitPattern: $0) } + [0] }
}
