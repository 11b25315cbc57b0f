"""Whether two images look the same: what orientation and colour management are for."""

from __future__ import annotations

import io

from PIL import Image, ImageChops, ImageCms, ImageOps, ImageStat

SAMPLE = (48, 48)
BEHIND = (127, 127, 127)


def upright(upload: bytes) -> Image.Image:
    """A file as it should be displayed, in sRGB."""
    with Image.open(io.BytesIO(upload)) as opened:
        image = ImageOps.exif_transpose(opened)
    profile = image.info.get("icc_profile")
    if profile:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        target = ImageCms.createProfile("sRGB")
        converted = ImageCms.profileToProfile(image, source, target, outputMode="RGB")
        return converted or image
    return image.convert("RGBA" if image.has_transparency_data else "RGB")


def flat(image: Image.Image) -> Image.Image:
    """RGB, with grey behind what is transparent."""
    if not image.has_transparency_data:
        return image.convert("RGB")
    ground = Image.new("RGBA", image.size, BEHIND)
    return Image.alpha_composite(ground, image.convert("RGBA")).convert("RGB")


def difference(one: Image.Image, other: Image.Image) -> float:
    """The mean difference of a channel, 0 to 255, at thumbnail size: encoders' noise is gone."""
    samples = [flat(each).resize(SAMPLE, Image.Resampling.BOX) for each in (one, other)]
    return sum(ImageStat.Stat(ImageChops.difference(*samples)).mean) / 3
