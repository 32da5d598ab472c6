#pragma once

namespace windlass::detail {

/// What a node keeps for each list that it may be in.
template <class Node>
struct Links {
  Node* before = nullptr;
  Node* after = nullptr;
};

/// A doubly linked list of nodes that the caller owns, threaded through one of their `Links`.
///
/// Every call is O(1) and allocates nothing. It knows no threads: whoever shares a list locks. A node must be in at
/// most one of the lists that are threaded through the same links, and outlive its stay.
template <class Node, Links<Node> Node::*links>
class LinkedList {
 public:
  [[nodiscard]] Node* first() const noexcept { return first_; }
  [[nodiscard]] Node* last() const noexcept { return last_; }
  [[nodiscard]] static Node* next(const Node& node) noexcept { return (node.*links).after; }
  [[nodiscard]] static Node* before(const Node& node) noexcept { return (node.*links).before; }

  void append(Node& node) noexcept { insert_after(last_, node); }
  void prepend(Node& node) noexcept { insert_after(nullptr, node); }

  /// `before` is in this list and `node` is not; null is the front.
  void insert_after(Node* before, Node& node) noexcept {
    Node*& place = before == nullptr ? first_ : (before->*links).after;
    node.*links = {before, place};
    (place == nullptr ? last_ : (place->*links).before) = &node;
    place = &node;
  }

  /// `node` is in this list.
  void erase(Node& node) noexcept {
    const auto [before, after] = node.*links;
    (before == nullptr ? first_ : (before->*links).after) = after;
    (after == nullptr ? last_ : (after->*links).before) = before;
  }

 private:
  Node* first_ = nullptr;
  Node* last_ = nullptr;
};

}  // namespace windlass::detail
