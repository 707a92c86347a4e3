/*
 * Sends datagrams of 64 bytes to a port of 127.0.0.1:
 *
 *   sendmsg PORT COUNT             COUNT of them, one for each system call; prints the microseconds of CPU
 *   sendmsg PORT 0 SOCKETS         without end, from so many sockets in turn, four for each system call
 */
#include <arpa/inet.h>
#include <netinet/udp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif

enum { size = 64, each = 4, most = 1000 };

static struct sockaddr_in to = {.sin_family = AF_INET};
static char message[size * each];

static void send_one(int socket, size_t length) {
  struct iovec piece = {.iov_base = message, .iov_len = length};
  struct msghdr header = {.msg_name = &to, .msg_namelen = sizeof to, .msg_iov = &piece, .msg_iovlen = 1};
  if (sendmsg(socket, &header, 0) < 0) {
    perror("sendmsg");
    exit(1);
  }
}

int main(int argc, char **argv) {
  if (argc < 3) return 2;
  to.sin_port = htons(atoi(argv[1]));
  inet_pton(AF_INET, "127.0.0.1", &to.sin_addr);
  memset(message, 'x', sizeof message);
  long count = atol(argv[2]);
  int sockets = argc > 3 ? atoi(argv[3]) : 1;
  int sender[most];
  for (int i = 0; i < sockets && i < most; i++) {
    int segment = size;
    sender[i] = socket(AF_INET, SOCK_DGRAM, 0);
    if (count == 0) setsockopt(sender[i], IPPROTO_UDP, UDP_SEGMENT, &segment, sizeof segment);
  }
  for (long i = 0; count == 0; i++) send_one(sender[i % sockets], sizeof message);
  for (long i = 0; i < count; i++) send_one(sender[0], size);
  struct rusage used;
  getrusage(RUSAGE_SELF, &used);
  printf("%ld\n", (used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1000000L + used.ru_utime.tv_usec +
                      used.ru_stime.tv_usec);
}
