/*
 * A TCP service that sends back what it hears, on one thread: `echo` prints its port on 127.0.0.1, and ends with its
 * standard input.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

static char buffer[1 << 18];

static void listen_on(int events, int fd) {
  struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
  epoll_ctl(events, EPOLL_CTL_ADD, fd, &event);
}

static void answer(int fd) {
  ssize_t came = read(fd, buffer, sizeof buffer);
  if (came <= 0) {
    close(fd);
    return;
  }
  for (ssize_t sent = 0, more; sent < came; sent += more) {
    more = write(fd, buffer + sent, came - sent);
    if (more <= 0) return;
  }
}

int main(void) {
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t length = sizeof at;
  int server = socket(AF_INET, SOCK_STREAM, 0), events = epoll_create1(0), on = 1;
  if (bind(server, (struct sockaddr *)&at, sizeof at) < 0 || listen(server, 1024) < 0) return 1;
  getsockname(server, (struct sockaddr *)&at, &length);
  printf("%d\n", ntohs(at.sin_port));
  fflush(stdout);
  listen_on(events, server);
  listen_on(events, STDIN_FILENO);
  for (;;) {
    struct epoll_event ready[256];
    int count = epoll_wait(events, ready, 256, -1);
    for (int i = 0; i < count; i++) {
      int fd = ready[i].data.fd;
      if (fd == STDIN_FILENO) return 0;
      if (fd != server) {
        answer(fd);
        continue;
      }
      int accepted = accept(server, NULL, NULL);
      setsockopt(accepted, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      listen_on(events, accepted);
    }
  }
}
