#include "services/cli/site_commands.h"

#include <filesystem>
#include <iostream>

#include "absl/strings/match.h"
#include "common/base/digest.h"
#include "common/base/status.h"
#include "common/rpc/site_file.h"
#include "services/cli/command.h"
#include "services/cli/connection.h"

namespace arpent::cli {
namespace fs = std::filesystem;
namespace {

using arpent::site::v1::Site;
using arpent::site::v1::SiteService;

struct SiteArguments {
  ServerOptions server;
  std::string file, name;
  bool validate_only = false;
};

bool NamesAStore(const std::string& text) {
  const size_t mark = text.find(":/");
  return mark != std::string::npos && mark > 1 && text.find('/') > mark;
}

// The files that make up a vector or raster data set: a Shapefile has several.
std::vector<fs::path> FilesOf(const fs::path& file) {
  std::vector<fs::path> files = {file};
  if (file.extension() != ".shp") return files;
  for (const char* extension : {".dbf", ".shx", ".prj", ".cpg"}) {
    const fs::path sibling = fs::path(file).replace_extension(extension);
    if (fs::exists(sibling)) files.push_back(sibling);
  }
  return files;
}

// Uploads `field`'s local file and puts its new place into the field.
absl::Status Upload(std::string* field, const fs::path& folder, storage::ObjectStore& output, const std::string& name) {
  if (field->empty() || NamesAStore(*field)) return absl::OkStatus();
  const fs::path file = folder / *field;
  std::error_code error;
  if (!fs::is_regular_file(file, error)) {
    return absl::NotFoundError(absl::StrCat(name, ": there is no file ", file.string()));
  }
  const std::vector<fs::path> files = FilesOf(file);
  Sha256 digest;
  for (const fs::path& part : files) {
    ARPENT_ASSIGN_OR_RETURN(const HexDigest part_digest, Sha256OfFile(part.string()));
    digest.UpdateField(part.extension().string()).UpdateField(part_digest);
  }
  const std::string target = absl::StrCat("inputs/", digest.Finish(), "/");
  for (const fs::path& part : files) {
    const std::string path = target + part.filename().string();
    if (output.Stat(path).ok()) continue;
    ARPENT_RETURN_IF_ERROR(storage::WriteFile(output, path, part.string()).status());
  }
  *field = absl::StrCat("output:/", target, file.filename().string());
  return absl::OkStatus();
}

absl::Status ResolveInput(arpent::site::v1::Input& input, const fs::path& folder, bool local_inputs, int index) {
  if (NamesAStore(input.uri())) return absl::OkStatus();
  if (!local_inputs) {
    return absl::InvalidArgumentError(
        absl::StrCat("inputs[", index, "].uri: '", input.uri(),
                     "' is a local path, which the cluster cannot read; write a place in a named store, as input:/l1c"));
  }
  std::error_code error;
  const fs::path path = fs::canonical(folder / input.uri(), error);
  if (error) {
    return absl::NotFoundError(absl::StrCat("inputs[", index, "].uri: there is no ", (folder / input.uri()).string()));
  }
  input.set_uri("input:" + path.string());
  return absl::OkStatus();
}

absl::StatusOr<int> Apply(const SiteArguments& arguments, OutputFormat format) {
  ARPENT_ASSIGN_OR_RETURN(const auto connection, Connection::Open(arguments.server));
  ARPENT_ASSIGN_OR_RETURN(const auto output, connection->Store("output"));
  arpent::site::v1::ApplySiteRequest request;
  request.set_validate_only(arguments.validate_only);
  ARPENT_ASSIGN_OR_RETURN(*request.mutable_site(), ReadSiteWithUploads(arguments.file, *output, /*local_inputs=*/false));
  ARPENT_ASSIGN_OR_RETURN(const auto response,
                          connection->Call<arpent::site::v1::ApplySiteResponse>(connection->sites(),
                                                                    &SiteService::StubInterface::ApplySite, request));
  std::cout << (format == OutputFormat::kJson ? ToJson(response.site()) : rpc::SiteToYaml(response.site())) << "\n";
  return kDone;
}

absl::StatusOr<int> Get(const SiteArguments& arguments, OutputFormat format) {
  ARPENT_ASSIGN_OR_RETURN(const auto connection, Connection::Open(arguments.server));
  arpent::site::v1::GetSiteRequest request;
  request.set_name(arguments.name);
  ARPENT_ASSIGN_OR_RETURN(const auto response,
                          connection->Call<arpent::site::v1::GetSiteResponse>(connection->sites(),
                                                                  &SiteService::StubInterface::GetSite, request));
  std::cout << (format == OutputFormat::kJson ? ToJson(response.site()) : rpc::SiteToYaml(response.site())) << "\n";
  return kDone;
}

absl::StatusOr<int> List(const SiteArguments& arguments, OutputFormat format) {
  ARPENT_ASSIGN_OR_RETURN(const auto connection, Connection::Open(arguments.server));
  arpent::site::v1::ListSitesRequest request;
  arpent::site::v1::ListSitesResponse all;
  do {
    ARPENT_ASSIGN_OR_RETURN(const auto page,
                            connection->Call<arpent::site::v1::ListSitesResponse>(connection->sites(),
                                                                      &SiteService::StubInterface::ListSites, request));
    for (const Site& site : page.sites()) *all.add_sites() = site;
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  if (format == OutputFormat::kJson) {
    std::cout << ToJson(all) << "\n";
    return kDone;
  }
  Table table({"site", "inputs", "seasons", "area"});
  for (const Site& site : all.sites()) {
    table.Add({site.name(), absl::StrCat(site.inputs_size()), absl::StrCat(site.seasons_size()), site.area()});
  }
  std::cout << table.ToString();
  return kDone;
}

absl::StatusOr<int> Delete(const SiteArguments& arguments, OutputFormat format) {
  ARPENT_ASSIGN_OR_RETURN(const auto connection, Connection::Open(arguments.server));
  arpent::site::v1::DeleteSiteRequest request;
  request.set_name(arguments.name);
  ARPENT_RETURN_IF_ERROR(connection->Call<arpent::site::v1::DeleteSiteResponse>(connection->sites(),
                                                                    &SiteService::StubInterface::DeleteSite, request)
                             .status());
  if (format == OutputFormat::kJson) {
    PrintJson({{"deleted", arguments.name}});
  } else {
    std::cout << "deleted " << arguments.name << "; its products stay\n";
  }
  return kDone;
}

}  // namespace

absl::StatusOr<Site> ReadSiteWithUploads(const std::string& site_file, storage::ObjectStore& output,
                                         bool local_inputs) {
  ARPENT_ASSIGN_OR_RETURN(Site site, rpc::ReadSiteFile(site_file));
  const fs::path folder = fs::absolute(site_file).parent_path();
  for (int i = 0; i < site.inputs_size(); ++i) {
    ARPENT_RETURN_IF_ERROR(ResolveInput(*site.mutable_inputs(i), folder, local_inputs, i));
  }
  const bool area_is_file = !absl::StartsWith(site.area(), "bbox:") && !absl::StartsWith(site.area(), "tiles:");
  if (area_is_file) ARPENT_RETURN_IF_ERROR(Upload(site.mutable_area(), folder, output, "area"));
  if (site.has_auxiliary()) {
    ARPENT_RETURN_IF_ERROR(Upload(site.mutable_auxiliary()->mutable_dem(), folder, output, "auxiliary.dem"));
    ARPENT_RETURN_IF_ERROR(Upload(site.mutable_auxiliary()->mutable_cams(), folder, output, "auxiliary.cams"));
    ARPENT_RETURN_IF_ERROR(Upload(site.mutable_auxiliary()->mutable_prior(), folder, output, "auxiliary.prior"));
  }
  if (site.has_parcels()) {
    ARPENT_RETURN_IF_ERROR(Upload(site.mutable_parcels()->mutable_file(), folder, output, "parcels.file"));
    ARPENT_RETURN_IF_ERROR(Upload(site.mutable_parcels()->mutable_legend(), folder, output, "parcels.legend"));
  }
  if (site.has_reference_map()) {
    ARPENT_RETURN_IF_ERROR(Upload(site.mutable_reference_map()->mutable_file(), folder, output, "reference_map.file"));
  }
  if (site.has_strata()) {
    ARPENT_RETURN_IF_ERROR(Upload(site.mutable_strata()->mutable_file(), folder, output, "strata.file"));
  }
  if (site.has_map() && site.map().has_regions()) {
    ARPENT_RETURN_IF_ERROR(
        Upload(site.mutable_map()->mutable_regions()->mutable_file(), folder, output, "map.regions.file"));
  }
  return site;
}

void AddSiteCommands(CLI::App& app, const OutputFormat& format, int& exit_code) {
  CLI::App* group = app.add_subcommand("site", "Sites: apply, get, list, delete");
  group->require_subcommand(1);

  auto arguments = std::make_shared<SiteArguments>();
  CLI::App* apply = group->add_subcommand("apply", "Make the coordinator's site equal to a file; prints it with every default");
  apply->add_option("-f,--file,file", arguments->file, "Site file")->required()->check(CLI::ExistingFile);
  apply->add_flag("--validate-only", arguments->validate_only, "Check only; nothing is stored");
  AddServerOptions(*apply, arguments->server);
  apply->footer("Example:\n  arpent site apply -f ukraine-east.yaml");
  OnCall(*apply, exit_code, [=, &format] { return Apply(*arguments, format); });

  arguments = std::make_shared<SiteArguments>();
  CLI::App* get = group->add_subcommand("get", "Show a site with every default");
  get->add_option("name", arguments->name)->required();
  AddServerOptions(*get, arguments->server);
  get->footer("Example:\n  arpent site get ukraine-east");
  OnCall(*get, exit_code, [=, &format] { return Get(*arguments, format); });

  arguments = std::make_shared<SiteArguments>();
  CLI::App* list = group->add_subcommand("list", "All sites");
  AddServerOptions(*list, arguments->server);
  list->footer("Example:\n  arpent site list");
  OnCall(*list, exit_code, [=, &format] { return List(*arguments, format); });

  arguments = std::make_shared<SiteArguments>();
  CLI::App* erase = group->add_subcommand("delete", "Forget a site; its products stay");
  erase->add_option("name", arguments->name)->required();
  AddServerOptions(*erase, arguments->server);
  erase->footer("Example:\n  arpent site delete ukraine-east");
  OnCall(*erase, exit_code, [=, &format] { return Delete(*arguments, format); });
}

}  // namespace arpent::cli
