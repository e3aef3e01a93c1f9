"""What remission can a stepped-care talking-therapy service reach, for those really referred, by which definition?"""
