// CPU and memory of composites against decoding their inputs and encoding their outputs, measured in one run:
//   composite_speed FOLDER [PIXELS [DATES [THREADS [METHOD...]]]]
// Makes DATES L2A products of PIXELS x PIXELS at 10 m in FOLDER (default 5490, a quarter of a tile, and 10), then
// prints the table of docs/performance.md. FOLDER may be kept: products that are there already are used again.
#include <gdal.h>
#include <sys/resource.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/base/parallel.h"
#include "common/base/resources.h"
#include "common/product/layout.h"
#include "common/product/raster_reader.h"
#include "common/raster/codes.h"
#include "common/stages/catalog.h"
#include "common/stages/composite/composite_stage.h"
#include "common/storage/file_store.h"

namespace {

using namespace arpent;
using raster::Image;

constexpr const char* kBands10[] = {"B02", "B03", "B04", "B08"};
constexpr const char* kBands20[] = {"B05", "B06", "B07", "B8A", "B11", "B12"};

double CpuSeconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_utime.tv_sec + usage.ru_stime.tv_sec + 1e-6 * (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

template <typename T>
T OrDie(absl::StatusOr<T> value) {
  if (!value.ok()) {
    std::fprintf(stderr, "%s\n", value.status().ToString().c_str());
    std::exit(1);
  }
  return *std::move(value);
}

void Check(const absl::Status& status) { OrDie(status.ok() ? absl::StatusOr<int>(0) : status); }

uint32_t Hash(uint32_t x) {
  x = (x ^ (x >> 16)) * 0x7feb352d;
  x = (x ^ (x >> 15)) * 0x846ca68b;
  return x ^ (x >> 16);
}

// Fields of 400 m with levels of their own, noise of 40 units on top: compresses about as real reflectance does.
int16_t Reflectance(uint32_t x, uint32_t y, uint32_t band, uint32_t date) {
  const uint32_t field = Hash((x / 40) * 7919 + (y / 40) * 104729 + band);
  const uint32_t noise = Hash(x * 2654435761u + y * 40503u + band * 97u + date * 131071u);
  const int spread = static_cast<int>((noise & 63) + ((noise >> 6) & 63) + ((noise >> 12) & 63)) - 94;
  return static_cast<int16_t>(400 + field % 2500 + 20 * date + spread);
}

bool Cloudy(int x20, int y20, uint32_t date) {  // discs of 1 km on a fifth of the ground
  const uint32_t cell =
      Hash(static_cast<uint32_t>(x20 / 150) * 31 + static_cast<uint32_t>(y20 / 150) * 1009 + date * 77);
  const int u = x20 % 150 - 75, v = y20 % 150 - 75;
  return cell % 3 == 0 && u * u + v * v < 70 * 70;
}

template <typename T, typename Value>
void WriteRaster(product::Publication& publication, const std::string& asset, const geo::Grid& grid,
                 const product::RasterOptions& options, int threads, const Value& value) {
  auto writer = OrDie(publication.CreateRaster(asset, grid, options, threads));
  const int rows = (grid.height + 511) / 512;
  Check(ParallelFor(rows, threads, [&](size_t row) {
    const int y0 = static_cast<int>(row) * 512;
    Image<T> image(grid.width, std::min(512, grid.height - y0));
    for (int y = 0; y < image.height(); ++y) {
      for (int x = 0; x < image.width(); ++x) image(x, y) = static_cast<T>(value(x, y0 + y));
    }
    return writer->Write({0, y0, image.width(), image.height()}, static_cast<const Image<T>&>(image).view());
  }));
  Check(publication.FinishRaster(asset, std::move(writer)));
}

std::string MakeDate(std::shared_ptr<const storage::StoreSet> stores, const std::string& scratch, int pixels, int date,
                     int threads) {
  product::ProductDescription description;
  description.stage = "l2a";
  description.algorithm_version = 1;
  const absl::CivilDay day = absl::CivilDay(2021, 6, 1) + 3 * date;
  const std::string acquisition =
      absl::StrFormat("S2A_%04d%02d%02dT100008_R122_T33TVL", day.year(), day.month(), day.day());
  description.key = Sha256Of(absl::StrCat(acquisition, pixels));
  description.folder = product::L2aFolder("33TVL", 2021, acquisition, description.key);
  description.grid = {32633, 399960, 5100000, 10, pixels, pixels};
  description.tile = "33TVL";
  description.datetime = absl::FromCivil(day, absl::UTCTimeZone());
  const std::string uri = absl::StrCat("output:/", description.folder);
  if (product::ReadPublished(*stores, uri).ok()) return uri;
  product::Publication publication(stores, scratch, description);
  const product::RasterOptions band = {
      .type = product::PixelType::kInt16, .no_data = raster::kReflectanceNoData, .scale = 0.0001};
  uint32_t number = 0;
  const auto value = [&](int x, int y) {
    return Reflectance(static_cast<uint32_t>(x), static_cast<uint32_t>(y), number, static_cast<uint32_t>(date));
  };
  const geo::Grid grid20 = description.grid.WithPixel(20);
  for (const char* name : kBands10) {
    ++number;
    WriteRaster<int16_t>(publication, name, description.grid, band, threads, value);
  }
  for (const char* name : kBands20) {
    ++number;
    WriteRaster<int16_t>(publication, name, grid20, band, threads, value);
  }
  product::RasterOptions codes = {.type = product::PixelType::kUInt8, .overviews = product::OverviewKind::kNearest};
  const auto cloudy = [&](int x, int y) { return Cloudy(x, y, static_cast<uint32_t>(date)); };
  WriteRaster<uint8_t>(publication, "SCL", grid20, codes, threads, [&](int x, int y) {
    return cloudy(x, y)                       ? raster::kSclCloudHigh
           : Hash(x / 20 + y / 20 * 1000) % 2 ? raster::kSclBare
                                              : raster::kSclVegetation;
  });
  codes.type = product::PixelType::kUInt16;
  WriteRaster<uint16_t>(publication, "QA", grid20, codes, threads,
                        [&](int x, int y) { return cloudy(x, y) ? raster::kQaCloud : 0; });
  WriteRaster<uint16_t>(publication, "AOT", grid20, codes, threads, [](int x, int y) { return 100 + (x + y) / 100; });
  return OrDie(publication.Publish()).uri;
}

// Lets GDAL read a raster whole, a row of its blocks at a time.
absl::Status Decode(const std::string& path, GDALDataType type) {
  const GDALDatasetH dataset = GDALOpen(path.c_str(), GA_ReadOnly);
  if (dataset == nullptr) return absl::DataLossError(path);
  const int width = GDALGetRasterXSize(dataset), height = GDALGetRasterYSize(dataset);
  std::vector<int16_t> pixels(static_cast<size_t>(width) * 512);
  CPLErr error = CE_None;
  for (int y = 0; y < height && error == CE_None; y += 512) {
    const int rows = std::min(512, height - y);
    error = GDALRasterIO(GDALGetRasterBand(dataset, 1), GF_Read, 0, y, width, rows, pixels.data(), width, rows, type, 0, 0);
  }
  GDALClose(dataset);
  return error == CE_None ? absl::OkStatus() : absl::DataLossError(path);
}

// `folder` of an L2A product on disk.
void DecodeDate(const std::string& folder, int threads) {
  std::vector<std::string> names(kBands10, kBands10 + std::size(kBands10));
  names.insert(names.end(), kBands20, kBands20 + std::size(kBands20));
  names.insert(names.end(), {"SCL", "QA", "AOT"});
  Check(ParallelFor(names.size(), threads, [&](size_t i) {
    return Decode(absl::StrCat(folder, "/", names[i], ".tif"), names[i][0] == 'B' ? GDT_Int16 : GDT_UInt16);
  }));
}

struct Cost {
  double wall = 0, cpu = 0;
};
template <typename Work>
Cost Measure(const Work& work) {
  const auto start = std::chrono::steady_clock::now();
  const double before = CpuSeconds();
  work();
  return {std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count(), CpuSeconds() - before};
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: composite_speed FOLDER [PIXELS [DATES [THREADS [METHOD...]]]]\n");
    return 2;
  }
  const std::filesystem::path folder = std::filesystem::absolute(argv[1]);
  const int pixels = argc > 2 ? std::atoi(argv[2]) : 5490, dates = argc > 3 ? std::atoi(argv[3]) : 10;
  const int threads = argc > 4 ? std::atoi(argv[4]) : 1;
  std::vector<std::string> methods(argv + std::min(argc, 5), argv + argc);
  if (methods.empty()) methods = {"weighted-average", "median", "geometric-median", "medoid", "best-pixel"};
  const std::string scratch = folder / "scratch";
  std::filesystem::create_directories(scratch);
  auto stores = std::make_shared<storage::StoreSet>();
  stores->Add("output", OrDie(storage::FileStore::Open(folder.string())));
  storage::InstallVsiArpent(stores);
  GDALAllRegister();

  std::vector<std::string> inputs;
  for (int date = 0; date < dates; ++date) inputs.push_back(MakeDate(stores, scratch, pixels, date, 2));
  const Cost decoding = Measure([&] {
    for (const std::string& uri : inputs) DecodeDate(folder / OrDie(storage::StoreUri::Parse(uri)).path, threads);
  });
  Cost encoding;
  {
    // The outputs' pixels are the inputs' statistics: re-encode the first date's bands.
    for (const auto& [bands, side] : {std::pair{std::vector<std::string>(kBands10, kBands10 + 4), 1024},
                                      std::pair{std::vector<std::string>(kBands20, kBands20 + 6), 512}}) {
      for (const std::string& band : bands) {
        const auto reader = OrDie(product::RasterReader::Open(stores, absl::StrCat(inputs[0], "/", band, ".tif")));
        const geo::Grid& grid = reader->grid();
        Image<int16_t> image(grid.width, grid.height);
        Check(reader->Read(grid.Whole(), int16_t{0}, image.view()));
        const Cost one = Measure([&] {
          auto writer = OrDie(product::RasterWriter::Create(
              scratch + "/encode.tif", grid, {.type = product::PixelType::kInt16, .no_data = -9999}, threads));
          Check(writer->Write(grid.Whole(), static_cast<const Image<int16_t>&>(image).view()));
          OrDie(writer->Finish());
        });
        encoding.wall += one.wall;
        encoding.cpu += one.cpu;
      }
    }
  }
  std::printf("| %d x %d px at 10 m, %d dates, %d threads | wall s | CPU s | CPU / (decode + encode) | peak MB |\n",
              pixels, pixels, dates, threads);
  std::printf("| --- | --- | --- | --- | --- |\n");
  std::printf("| GDAL decodes every input once | %.2f | %.2f | | |\n", decoding.wall, decoding.cpu);
  std::printf("| encoding ten bands | %.2f | %.2f | | |\n", encoding.wall, encoding.cpu);
  for (const std::string& method : methods) {
    stages::TaskSpec task;
    const stages::StageInfo* const info = OrDie(stages::FindStage("composite"));
    task.stage = "composite";
    task.algorithm_version = info->algorithm_version;
    task.parameters = info->defaults;
    task.parameters.Set("method", method);
    task.tile = "33TVL";
    task.period = "2021-06";
    for (const std::string& uri : inputs) task.inputs.push_back({"l2a", Sha256Of(uri), uri});
    stages::StageContext context;
    context.stores = stores;
    context.scratch = scratch;
    context.threads = threads;
    const Cost cost = Measure([&] { OrDie(stages::RunComposite(task, context)); });
    std::printf("| %s | %.2f | %.2f | %.2f | %lld |\n", method.c_str(), cost.wall, cost.cpu,
                cost.cpu / (decoding.cpu + encoding.cpu), static_cast<long long>(PeakResidentBytes() >> 20));
    std::fflush(stdout);
  }
  return 0;
}
