// Reads the XML files of delivered products by element names, whatever their namespaces, with errors that name file and
// element.
#ifndef ARPENT_COMMON_SCENE_XML_READER_H_
#define ARPENT_COMMON_SCENE_XML_READER_H_

#include <functional>
#include <pugixml.hpp>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace arpent::scene {

// INVALID_ARGUMENT naming `file` and the byte when the text is not well-formed.
absl::Status LoadXml(absl::string_view xml, const std::string& file, pugi::xml_document& document);

// Element names carry namespace prefixes that changed with the years: only the local name counts.
absl::string_view LocalName(const pugi::xml_node& node);
// The first descendant with that local name, in document order; empty when there is none.
pugi::xml_node Find(const pugi::xml_node& root, absl::string_view name);
// All descendants with that local name.
void ForEach(const pugi::xml_node& root, absl::string_view name, const std::function<void(const pugi::xml_node&)>& visit);
// Text without surrounding white space.
absl::string_view TextOf(const pugi::xml_node& node);

// Reads elements of one file and keeps the first error (INVALID_ARGUMENT naming file and element).
class XmlReader {
 public:
  XmlReader(const pugi::xml_node& root, std::string file) : root_(root), file_(std::move(file)) {}

  std::string Text(absl::string_view name);
  double Number(absl::string_view name);
  // `otherwise` when the element is absent.
  double NumberOr(absl::string_view name, double otherwise);
  absl::Time Time(absl::string_view name);
  // `text` as the value of element `name`.
  double ToNumber(absl::string_view text, absl::string_view name);
  void Fail(const std::string& what);

  const absl::Status& status() const { return status_; }
  const pugi::xml_node& root() const { return root_; }

 private:
  const pugi::xml_node root_;
  const std::string file_;
  absl::Status status_;
};

}  // namespace arpent::scene

#endif  // ARPENT_COMMON_SCENE_XML_READER_H_
