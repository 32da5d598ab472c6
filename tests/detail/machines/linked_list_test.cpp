#include "windlass/detail/machines/linked_list.hpp"

#include <vector>

#include "catch.hpp"

using windlass::detail::LinkedList;
using windlass::detail::Links;

namespace {

struct Node {
  int value;
  Links<Node> some{};
  Links<Node> others{};
};

using Some = LinkedList<Node, &Node::some>;
using Others = LinkedList<Node, &Node::others>;
using Values = std::vector<int>;

// Forwards; the same backwards is checked.
template <class List>
Values walk(const List& list) {
  Values there, back;
  for (const Node* node = list.first(); node != nullptr; node = list.next(*node)) there.push_back(node->value);
  for (const Node* node = list.last(); node != nullptr; node = list.before(*node)) back.push_back(node->value);
  CHECK(Values(back.rbegin(), back.rend()) == there);
  return there;
}

}  // namespace

TEST_CASE("a linked list takes nodes at either end and in between, and lets go of any", "[list]") {
  Node nodes[] = {{0}, {1}, {2}, {3}};
  Some list;
  CHECK(walk(list).empty());
  list.append(nodes[1]);
  list.append(nodes[3]);
  list.prepend(nodes[0]);
  list.insert_after(&nodes[1], nodes[2]);
  CHECK(walk(list) == Values{0, 1, 2, 3});
  list.erase(nodes[2]);
  CHECK(walk(list) == Values{0, 1, 3});
  list.erase(nodes[0]);
  CHECK(walk(list) == Values{1, 3});
  list.erase(nodes[3]);
  CHECK(walk(list) == Values{1});
  list.erase(nodes[1]);
  CHECK(walk(list).empty());
  list.insert_after(nullptr, nodes[3]);
  list.insert_after(&nodes[3], nodes[0]);
  CHECK(walk(list) == Values{3, 0});
}

TEST_CASE("a node may be in two linked lists, in a place of its own in each", "[list]") {
  Node nodes[] = {{0}, {1}, {2}};
  Some some;
  Others others;
  for (Node& node : nodes) {
    some.append(node);
    others.prepend(node);
  }
  some.erase(nodes[1]);
  CHECK(walk(some) == Values{0, 2});
  CHECK(walk(others) == Values{2, 1, 0});
}
