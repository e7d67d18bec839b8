// StorePlan: what a storage command does to what it finds. Pure rules, the same for cache items and files.

/// The decision about one storage command.
enum StorePlan: Equatable {
    /// Nothing is written; the answer.
    case refuse(Outcome)
    /// The value takes the place of what was there, with the command's flags and exptime; marks are cleared.
    case put
    /// The value takes the place of what was there; exptime and win mark stay, the item is stale (meta `I`).
    case putStale
    /// The value is joined to the present one; flags and exptime stay.
    case append, prepend
    /// Append or prepend found nothing and creates the item with this exptime (meta `N`).
    case create(Exptime)

    /// Decides a command.
    ///
    /// - Parameter existingCas: the cas of the live item, nil when there is none.
    /// Source: memcached's protocol.txt, and 1.6.45's answers where that is silent.
    static func decide(_ command: StoreCommand, existingCas: UInt64?) -> StorePlan {
        guard let existingCas else { return decideOnMiss(command) }
        switch command.mode {
        case .add:
            return .refuse(.notStored)
        case .set, .replace:
            guard let token = command.compareCas, token != existingCas || token == 0 else { return .put }
            return command.storesStale && token < existingCas && token != 0 ? .putStale : .refuse(.exists)
        case .append, .prepend:
            if let token = command.compareCas, token != existingCas { return .refuse(.exists) }
            return command.mode == .append ? .append : .prepend
        }
    }

    private static func decideOnMiss(_ command: StoreCommand) -> StorePlan {
        switch command.mode {
        case .add: return .put
        case .set: return command.compareCas == nil ? .put : .refuse(.notFound)
        case .replace: return .refuse(command.compareCas == nil ? .notStored : .notFound)
        case .append, .prepend:
            guard let exptime = command.vivifyExptime else { return .refuse(.notStored) }
            return .create(exptime)
        }
    }
}
