@main struct Memfisd { static func main() {} }
