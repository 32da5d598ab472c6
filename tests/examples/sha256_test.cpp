#include "../../examples/hash_tree/sha256.hpp"

#include <cstddef>
#include <string>
#include <string_view>

#include "../../examples/hash_tree/line.hpp"
#include "catch.hpp"

using hash_tree::Sha256;
using hash_tree::sum_line;
using hash_tree::to_hex;

namespace {

std::string hex_of(std::string_view message) {
  Sha256 sum;
  sum.update(message.data(), message.size());
  return to_hex(sum.finish());
}

}  // namespace

TEST_CASE("the examples of FIPS 180 have the digests it prints", "[sha256]") {
  CHECK(hex_of("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(hex_of("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(hex_of("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq") ==
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  CHECK(hex_of(std::string(1'000'000, 'a')) == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST_CASE("a message has one digest, wherever it is cut in two", "[sha256]") {
  // Each message of 0 to 200 bytes that begins 0, 1, 2, ..., and the digest of all their digests from Python's
  // hashlib: without it, a fault in the padding would spoil both sides alike.
  Sha256 all;
  for (std::size_t size = 0; size <= 200; ++size) {
    std::string message;
    for (std::size_t i = 0; i < size; ++i) message += static_cast<char>(i);
    Sha256 whole;
    whole.update(message.data(), size);
    const Sha256::Digest expected = whole.finish();
    for (std::size_t cut = 0; cut <= size; ++cut) {
      CAPTURE(size, cut);
      Sha256 sum;
      sum.update(message.data(), cut);
      sum.update(message.data() + cut, size - cut);
      CHECK(sum.finish() == expected);
    }
    all.update(expected.data(), expected.size());
  }
  CHECK(to_hex(all.finish()) == "64ef7c229fce2408b5336b6a542fea0e078c3a87d2da85cb3fc52e2008b65021");
}

TEST_CASE("a message has one digest, fed byte by byte or with empty pieces between", "[sha256]") {
  const std::string message(200, 'x');
  Sha256 sum;
  sum.update(nullptr, 0);
  for (const char& byte : message) {
    sum.update(&byte, 1);
    sum.update(nullptr, 0);
  }
  CHECK(to_hex(sum.finish()) == hex_of(message));
}

TEST_CASE("a finished sum begins anew", "[sha256]") {
  Sha256 sum;
  sum.update("left over", 9);
  static_cast<void>(sum.finish());
  sum.update("abc", 3);
  CHECK(to_hex(sum.finish()) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST_CASE("a line is what sha256sum 9.1 prints, whatever the name", "[sha256]") {
  const std::string hex = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
  CHECK(sum_line(hex, "plain.txt") == hex + "  plain.txt\n");
  CHECK(sum_line(hex, "two  spaces") == hex + "  two  spaces\n");
  CHECK(sum_line(hex, " lead and trail ") == hex + "   lead and trail \n");
  CHECK(sum_line(hex, "*star") == hex + "  *star\n");
  CHECK(sum_line(hex, "-") == hex + "  -\n");
  CHECK(sum_line(hex, "a\\b") == "\\" + hex + "  a\\\\b\n");
  CHECK(sum_line(hex, "a\nb") == "\\" + hex + "  a\\nb\n");
  CHECK(sum_line(hex, "a\rb") == "\\" + hex + "  a\\rb\n");
  CHECK(sum_line(hex, "\\") == "\\" + hex + "  \\\\\n");
  CHECK(sum_line(hex, "\\n") == "\\" + hex + "  \\\\n\n");
  CHECK(sum_line(hex, "\n") == "\\" + hex + "  \\n\n");
  CHECK(sum_line(hex, "\r\n\\") == "\\" + hex + "  \\r\\n\\\\\n");
  CHECK(sum_line(hex, "\"quoted'") == hex + "  \"quoted'\n");
  CHECK(sum_line(hex, "tab\tbell\a") == hex + "  tab\tbell\a\n");
  CHECK(sum_line(hex, "\377\376\001") == hex + "  \377\376\001\n");
  CHECK(sum_line(hex, "\303\251t\303\251") == hex + "  \303\251t\303\251\n");
  CHECK(sum_line(hex, "dir\\x/plain") == "\\" + hex + "  dir\\\\x/plain\n");
}
