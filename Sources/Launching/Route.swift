import Glibc
package import System

/// The network that leads from this machine to another one.
package enum Route {
  /// The interface by which this machine reaches the first of some hosts that is another machine.
  /// - Parameter hosts: Names of hosts; this one may be among them.
  /// - Returns: Its name, `eth0`.
  /// - Throws: `Failure` (usage) if none of them can be reached.
  package static func interface(to hosts: [String]) throws(Failure) -> String {
    // A host that is this one answers over loopback, which leads nowhere else.
    if let found = hosts.lazy.compactMap(interface).first(where: { $0 != "lo" }) { return found }
    throw Failure(
      .usage,
      "No network leads to \(listed(hosts)) from here; check the names of the hosts, or name the "
        + "network with --interface (see 'ip -br addr')."
    )
  }

  private static func interface(to host: String) -> String? {
    var wanted = addrinfo()
    wanted.ai_family = AF_INET
    wanted.ai_socktype = Int32(SOCK_DGRAM.rawValue)
    var found: UnsafeMutablePointer<addrinfo>?
    // Any port does: nothing is sent.
    guard getaddrinfo(host, "9", &wanted, &found) == 0, let address = found else { return nil }
    defer { freeaddrinfo(found) }
    guard let target = address.pointee.ai_addr else { return nil }
    let called = target.withMemoryRebound(to: sockaddr_in.self, capacity: 1) {
      $0.pointee.sin_addr.s_addr
    }
    let file = socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
    guard file >= 0 else { return nil }
    defer { close(file) }
    // The system chooses the way, and with it this end's address.
    guard connect(file, address.pointee.ai_addr, address.pointee.ai_addrlen) == 0 else {
      return nil
    }
    var own = sockaddr_in()
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let isKnown = withUnsafeMutablePointer(to: &own) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(file, $0, &length) }
    }
    // From the address that was called only this machine itself answers.
    guard isKnown == 0, own.sin_addr.s_addr != called else { return nil }
    return interface(withAddress: own.sin_addr.s_addr)
  }

  private static func interface(withAddress address: in_addr_t) -> String? {
    var first: UnsafeMutablePointer<ifaddrs>?
    guard getifaddrs(&first) == 0 else { return nil }
    defer { freeifaddrs(first) }
    var next = first
    while let interface = next?.pointee {
      next = interface.ifa_next
      guard let pointer = interface.ifa_addr, pointer.pointee.sa_family == sa_family_t(AF_INET)
      else { continue }
      let own = pointer.withMemoryRebound(to: sockaddr_in.self, capacity: 1) {
        $0.pointee.sin_addr.s_addr
      }
      if own == address { return String(cString: interface.ifa_name) }
    }
    return nil
  }
}
