#include "common/report/collect.h"

#include <algorithm>

#include "common/geo/grid.h"
#include "common/product/publication.h"
#include "common/storage/file_store.h"
#include "common/testing/status_matchers.h"
#include "common/testing/temporary_folder.h"

namespace arpent::report {
namespace {

// A published crop map of two classes comes back as a picture with its legend.
TEST(CollectProducts, ShowsAMapWithItsLegend) {
  testing::TemporaryFolder folder, scratch;
  auto stores = std::make_shared<storage::StoreSet>();
  stores->Add("output", *storage::FileStore::Open(folder.path()));
  storage::InstallVsiArpent(stores);
  product::ProductDescription description;
  description.stage = "crop-type";
  description.folder = "crop-type/site/2021/33TVL_0123456789ab";
  description.key = Sha256Of("key");
  description.grid = {32633, 399960, 5100000, 10, 60, 60};
  description.tile = "33TVL";
  description.datetime = absl::UnixEpoch();
  description.start_datetime = absl::InfinitePast();
  description.end_datetime = absl::InfiniteFuture();
  product::Publication publication(stores, scratch.path(), description);
  product::RasterOptions options;
  options.type = product::PixelType::kUInt16;
  options.overviews = product::OverviewKind::kNearest;
  options.classes = {{111, "Winter wheat", "#ffd37f"}, {12, "Maize", "#4ce600"}};
  ASSERT_OK_AND_ASSIGN(auto writer, publication.CreateRaster("CT", description.grid, options, 1));
  const raster::Image<uint16_t> pixels(60, 60, 111);
  ASSERT_OK(writer->Write(description.grid.Whole(), pixels.view()));
  ASSERT_OK(publication.FinishRaster("CT", std::move(writer)));
  ASSERT_OK_AND_ASSIGN(const product::PublishedProduct product, publication.Publish());

  Report report;
  ASSERT_OK(CollectProducts(stores, {{"crop-type", product.uri, "33TVL", "33TVL"}}, report));
  const auto gallery = std::find_if(report.galleries.begin(), report.galleries.end(),
                                    [](const Gallery& g) { return g.heading == "Crop types"; });
  ASSERT_NE(gallery, report.galleries.end());
  ASSERT_EQ(gallery->pictures.size(), 1u);
  EXPECT_EQ(gallery->pictures[0].png.substr(1, 3), "PNG");
  ASSERT_EQ(gallery->legend.size(), 2u);
  EXPECT_EQ(gallery->legend[0].name, "Winter wheat");
  EXPECT_EQ(gallery->legend[0].colour, "#FFD37F");  // STAC writes colours in capitals
}

}  // namespace
}  // namespace arpent::report
