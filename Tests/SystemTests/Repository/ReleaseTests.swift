// ReleaseTests: what a release is made of, as far as that needs no build: version, tarball, list of dependencies.
import Foundation
import Testing

@testable import memfisd

@Suite struct ReleaseTests {
    @Test("the scripts know the version from where it stands")
    func version() throws {
        #expect(try Shell.bash(Repository.path("scripts/version")) == Version.text + "\n")
    }

    @Test("the tarball is the same bytes each time, and holds the sources below one directory")
    func tarball() throws {
        let scratch = try Scratch()
        defer { scratch.remove() }
        let script = Repository.path("scripts/tarball")
        try Shell.bash("\(script) \(scratch.path)/1.tar.gz; \(script) \(scratch.path)/2.tar.gz")
        try Shell.bash("cmp \(scratch.path)/1.tar.gz \(scratch.path)/2.tar.gz")
        let names = try Shell.bash("tar tzf \(scratch.path)/1.tar.gz").split(separator: "\n")
        #expect(names.allSatisfy { $0.hasPrefix("memfisd-\(Version.text)/") })
        #expect(names.contains("memfisd-\(Version.text)/Sources/memfisd/Options/Version.swift"))
    }

    /// A document of SPDX, as far as it is looked at.
    private struct Document: Decodable {
        struct Package: Decodable {
            var name: String
            var versionInfo: String
            var licenseDeclared: String
        }
        var spdxVersion: String
        var packages: [Package]
    }

    @Test("the SBOM names each Swift dependency with the version of the manifest and a licence")
    func sbom() throws {
        let scratch = URL(fileURLWithPath: Daemon.programPath).resolvingSymlinksInPath().deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent().path
        let text = try Shell.bash("\(Repository.path("scripts/sbom")) \(scratch)")
        let document = try JSONDecoder().decode(Document.self, from: Data(text.utf8))
        #expect(document.spdxVersion == "SPDX-2.3")
        let versions = Dictionary(uniqueKeysWithValues: document.packages.map { ($0.name, $0.versionInfo) })
        let manifest = try Files.text(Repository.path("Package.swift"))
        for name in ["swift-argument-parser", "swift-log"] {
            let version = try #require(versions[name])
            #expect(manifest.contains("\(name)\", exact: \"\(version)\""))
        }
        #expect(versions["memfisd"] == Version.text && versions["swift-runtime"] != nil)
        #expect(document.packages.allSatisfy { $0.licenseDeclared != "NOASSERTION" })
    }
}
