/* CShims is header-only; SwiftPM wants one source file for a C target. */
