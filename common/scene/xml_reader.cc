#include "common/scene/xml_reader.h"

#include <cmath>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace arpent::scene {

absl::Status LoadXml(absl::string_view xml, const std::string& file, pugi::xml_document& document) {
  const pugi::xml_parse_result result = document.load_buffer(xml.data(), xml.size());
  if (result) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(file, ": is not well-formed XML at byte ", result.offset, ": ", result.description()));
}

absl::string_view LocalName(const pugi::xml_node& node) {
  const absl::string_view name = node.name();
  const size_t colon = name.find(':');
  return colon == absl::string_view::npos ? name : name.substr(colon + 1);
}

pugi::xml_node Find(const pugi::xml_node& root, absl::string_view name) {
  return root.find_node([name](const pugi::xml_node& node) { return LocalName(node) == name; });
}

void ForEach(const pugi::xml_node& root, absl::string_view name, const std::function<void(const pugi::xml_node&)>& visit) {
  for (const pugi::xml_node& child : root.children()) {
    if (LocalName(child) == name) visit(child);
    ForEach(child, name, visit);
  }
}

absl::string_view TextOf(const pugi::xml_node& node) { return absl::StripAsciiWhitespace(node.text().get()); }

std::string XmlReader::Text(absl::string_view name) {
  const pugi::xml_node node = Find(root_, name);
  if (!node) Fail(absl::StrCat("element ", name, " is missing"));
  return std::string(TextOf(node));
}

double XmlReader::Number(absl::string_view name) { return ToNumber(Text(name), name); }

double XmlReader::NumberOr(absl::string_view name, double otherwise) {
  const pugi::xml_node node = Find(root_, name);
  return node ? ToNumber(TextOf(node), name) : otherwise;
}

absl::Time XmlReader::Time(absl::string_view name) {
  absl::Time time;
  std::string error;
  const std::string text = Text(name);
  if (!absl::ParseTime(absl::RFC3339_full, text, &time, &error)) Fail(absl::StrCat(name, ": '", text, "' is not a time"));
  return time;
}

double XmlReader::ToNumber(absl::string_view text, absl::string_view name) {
  double value = 0;
  // SimpleAtod takes "nan" and "inf" too: no element that is read through here may be one.
  if (!absl::SimpleAtod(text, &value) || !std::isfinite(value)) Fail(absl::StrCat(name, ": '", text, "' is not a number"));
  return value;
}

void XmlReader::Fail(const std::string& what) {
  if (status_.ok()) status_ = absl::InvalidArgumentError(absl::StrCat(file_, ": ", what));
}

}  // namespace arpent::scene
