import Glibc

/// A datagram socket for heartbeats: it never blocks, and does not use MPI, whose calls may hang.
package final class HeartbeatSocket {
  /// The socket's port.
  package let port: UInt16
  private let descriptor: Int32

  /// Opens a socket; nil if the system reports an error.
  /// - Parameter isLocal: Whether all ranks are on this host, so that only local datagrams are
  ///   needed.
  package init?(isLocal: Bool) {
    let descriptor = socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
    guard descriptor >= 0 else { return nil }
    _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
    _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
    var address = Self.address(isLocal ? 0x7F00_0001 : 0, port: 0)
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let isBound = Self.withPlain(&address) { plain in
      bind(descriptor, plain, length) == 0 && getsockname(descriptor, plain, &length) == 0
    }
    guard isBound else {
      close(descriptor)
      return nil
    }
    self.descriptor = descriptor
    port = UInt16(bigEndian: address.sin_port)
  }

  deinit { close(descriptor) }

  /// Sends to an IPv4 address, without confirmation.
  package func send(_ bytes: [UInt8], to host: UInt32, port: UInt16) {
    var address = Self.address(host, port: port)
    Self.withPlain(&address) { plain in
      _ = sendto(
        descriptor, bytes, bytes.count, Int32(MSG_DONTWAIT), plain,
        socklen_t(MemoryLayout<sockaddr_in>.size))
    }
  }

  /// The next datagram that has arrived, if any.
  package func receive() -> [UInt8]? {
    var bytes = [UInt8](repeating: 0, count: 2 * Heartbeat.length)
    let count = recv(descriptor, &bytes, bytes.count, Int32(MSG_DONTWAIT))
    return count < 0 ? nil : Array(bytes.prefix(count))
  }

  /// Waits until a datagram arrives, or until the time is over.
  package func wait(seconds: Double) {
    var arrival = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    poll(&arrival, 1, Int32(seconds * 1000))
  }

  /// The IPv4 addresses of this host's active interfaces, except the loopback.
  static var ownAddresses: [UInt32] {
    var list: UnsafeMutablePointer<ifaddrs>?
    guard getifaddrs(&list) == 0 else { return [] }
    defer { freeifaddrs(list) }
    var addresses: [UInt32] = []
    var next = list
    while let entry = next?.pointee {
      next = entry.ifa_next
      let flags = Int32(entry.ifa_flags)
      guard let plain = entry.ifa_addr, plain.pointee.sa_family == sa_family_t(AF_INET),
        flags & Int32(IFF_UP) != 0, flags & Int32(IFF_LOOPBACK) == 0
      else { continue }
      plain.withMemoryRebound(to: sockaddr_in.self, capacity: 1) {
        addresses.append(UInt32(bigEndian: $0.pointee.sin_addr.s_addr))
      }
    }
    return addresses
  }

  /// Whether a host responds: a connection to a port is accepted or refused within a second.
  package static func answers(_ host: UInt32, port: UInt16) -> Bool {
    let probe = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    guard probe >= 0 else { return true }
    defer { close(probe) }
    _ = fcntl(probe, F_SETFL, O_NONBLOCK)
    var address = address(host, port: port)
    let code = withPlain(&address) { connect(probe, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
    if code == 0 || errno == ECONNREFUSED { return true }
    guard errno == EINPROGRESS else { return false }
    var wait = pollfd(fd: probe, events: Int16(POLLOUT), revents: 0)
    guard poll(&wait, 1, 1000) == 1 else { return false }
    var (result, length) = (Int32(0), socklen_t(MemoryLayout<Int32>.size))
    getsockopt(probe, SOL_SOCKET, SO_ERROR, &result, &length)
    return result == 0 || result == ECONNREFUSED
  }

  private static func address(_ host: UInt32, port: UInt16) -> sockaddr_in {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr = in_addr(s_addr: host.bigEndian)
    return address
  }

  @discardableResult
  private static func withPlain<Result>(
    _ address: inout sockaddr_in, _ body: (UnsafeMutablePointer<sockaddr>) -> Result
  ) -> Result {
    withUnsafeMutablePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1, body)
    }
  }
}
