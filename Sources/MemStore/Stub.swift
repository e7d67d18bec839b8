// temporary, replaced by the tree
@safe struct Tree {
  static func create(configuration: StoreConfiguration, changes: ChangeStream) -> Tree { Tree() }
  func destroy() {}
  func add(to: inout StoreStatistics) {}
}
extension StoreSession {
  func makeRoot() {}
  func keepFiles(expiredMax: Int) {}
  func fileGet(_ key: Bytes, options: GetOptions) -> ItemView { fatalError() }
  func fileStore(_ key: Bytes, _ source: ValueSource, _ command: StoreCommand) -> StoreResult { fatalError() }
  func fileArithmetic(_ key: Bytes, _ command: ArithmeticCommand) -> ArithmeticResult { fatalError() }
  func fileDelete(_ key: Bytes, _ command: DeleteCommand) -> StoreResult { fatalError() }
}
