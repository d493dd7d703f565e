// libmicrohttpd: an HTTP server. Swift cannot call functions that take any number of arguments.
#pragma once
#include <microhttpd.h>
#include <sys/socket.h>

// Starts a server on one address, in a thread of its own, within bounds; NULL with errno where it cannot.
static inline struct MHD_Daemon *alexnet_mhd_start(
    const struct sockaddr *address, MHD_AccessHandlerCallback answer, void *context, unsigned connections,
    unsigned per_address, unsigned idle_seconds, size_t connection_bytes) {
  const unsigned flags = MHD_USE_AUTO_INTERNAL_THREAD | (address->sa_family == AF_INET6 ? MHD_USE_IPv6 : 0);
  return MHD_start_daemon(flags, 0, NULL, NULL, answer, context, MHD_OPTION_SOCK_ADDR, address,
      MHD_OPTION_CONNECTION_LIMIT, connections, MHD_OPTION_PER_IP_CONNECTION_LIMIT, per_address,
      MHD_OPTION_CONNECTION_TIMEOUT, idle_seconds,
      MHD_OPTION_CONNECTION_MEMORY_LIMIT, connection_bytes, MHD_OPTION_END);
}

// The port that the system has chosen.
static inline unsigned alexnet_mhd_port(struct MHD_Daemon *daemon) {
  const union MHD_DaemonInfo *info = MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_BIND_PORT);
  return info ? info->port : 0;
}
