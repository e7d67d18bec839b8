// SystemTests: real processes, mounts, nginx and clients, one test after another,
// since they share two processors and each looks at what the others would disturb.
import Testing

/// The parent of all system tests.
@Suite(.serialized) enum SystemTests {}
